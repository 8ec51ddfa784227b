package forward

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/replica"
)

const (
	avatar  = "urn:xmpp:avatar:metadata"
	devices = "eu.siacs.conversations.axolotl.devicelist"
)

// ways are the kinds of streams that a client may have: it can resume, it only
// counts, it does neither.
var ways = []string{"resumable", "counting", "plain"}

// arrive binds juliet's client, which is not available yet, with the bounds that are
// set by default.
func (f *fabric) arrive(t *testing.T, node, way string) *managed {
	t.Helper()
	m := &managed{client: &client{f: f, bare: "juliet@meet.example", addr: "juliet@meet.example/" + way}}
	m.out = &stream{stuck: true, limit: 2 << 20}
	var wish edge.Wish
	switch way {
	case "resumable":
		wish.Managed = &edge.Management{Token: "token", Patience: resumeWait, Queue: 1 << 20, Enabled: []byte("<enabled/>")}
	case "counting":
		wish.Managed = &edge.Management{Queue: 1 << 20, Enabled: []byte("<enabled/>")}
	default:
		m.out.limit = 1 << 20
	}
	s, err := f.nodes[node].Bind(t.Context(), edge.Client, jid.MustParse(m.addr), wish, m.out)
	if err != nil {
		t.Fatal(err)
	}
	m.s = s
	return m
}

// wants sends presence like client.wanting, and counts what that brings.
func (m *managed) wants(nodes ...string) {
	if m.wanting(nodes...) {
		m.h++
	}
	m.kept = slices.DeleteFunc(m.kept, func(raw string) bool { return strings.HasPrefix(raw, "<r ") })
	m.h += uint32(len(m.kept))
}

// gather reads what comes for so long, and confirms it if it does.
func (m *managed) gather(t *testing.T, d time.Duration, confirms bool) (list []string) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		list = append(list, m.hear()...)
		if confirms {
			if _, ok := m.s.Acked(m.h); !ok {
				t.Fatalf("%s counted %d too many", m.addr, m.h)
			}
		}
	}
	return list
}

func counted(list []string, text string) (n int) {
	for _, raw := range list {
		if strings.Contains(raw, text) {
			n++
		}
	}
	return n
}

// TestM5_3_LargeRosterSignsIn: 1,000 contacts with presence, the metadata of an avatar
// and devices are more than a client may leave unconfirmed. It gets all of it, as it
// confirms.
func TestM5_3_LargeRosterSignsIn(t *testing.T) {
	const contacts = 1000
	crowd(t, func(t *testing.T, f *fabric) {
		for i := range contacts {
			name := fmt.Sprint("friend", i)
			f.store.people(t, name)
			f.share(t, uint64(4*i), name, "juliet")
			c := f.enter([]string{"b", "c"}[i%2], name, "x")
			c.presence("<status>" + strings.Repeat("s", 250) + "</status>")
			c.publish(avatar, "1", "<metadata xmlns='"+avatar+"'><info id='"+strings.Repeat("a", 250)+"'/></metadata>", "")
			c.publish(devices, "current", "<list xmlns='eu.siacs.conversations.axolotl'>"+strings.Repeat("<device id='1'/>", 16)+"</list>", "")
			c.out.take()
		}
		for _, at := range []string{"a", "c"} {
			for _, way := range ways {
				m := f.arrive(t, at, way)
				m.wants(avatar, devices)
				got := append(m.kept, m.gather(t, 20*time.Second, true)...)
				if condition, shut := m.out.end(); shut {
					t.Errorf("%s at %s: the stream ends with %q", way, at, condition)
				}
				if p, a, d := counted(got, "<status>"), counted(got, "<metadata"), counted(got, "<list"); p != contacts || a != contacts || d != contacts {
					t.Errorf("%s at %s: %d presences, %d avatars, %d devices", way, at, p, a, d)
				}
				m.s.Close()
				time.Sleep(time.Second)
			}
		}
	})
}

// share makes a mutual subscription of two users.
func (f *fabric) share(t *testing.T, from uint64, a, b string) {
	t.Helper()
	for i, c := range [][3]string{{a, b, "subscribe"}, {b, a, "subscribed"}, {b, a, "subscribe"}, {a, b, "subscribed"}} {
		e := replica.Effect{Inc: replica.Source{98}, Seq: from + uint64(i) + 1, Low: 1}
		if err := f.store.apply(replica.Command{Op: replica.OpSubscription, Effect: &e, User: c[0] + "@meet.example", Contact: c[1] + "@meet.example", Name: c[2]}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestM5_3_ContactsDoNotEndSessions: last items of more bytes than a client may leave
// unconfirmed do not end its session, nor do events while it is there; what there is no
// room for is left out, and messages still come.
func TestM5_3_ContactsDoNotEndSessions(t *testing.T) {
	for _, way := range ways {
		for _, confirms := range []bool{true, false} {
			crowd(t, func(t *testing.T, f *fabric) {
				f.befriend(t)
				romeo := f.enter("b", "romeo", "one")
				romeo.presence("")
				var nodes []string
				large := "<a xmlns='urn:a'>" + strings.Repeat("x", 180<<10) + "</a>"
				for i := range 10 {
					nodes = append(nodes, fmt.Sprint("urn:n", i))
					romeo.publish(nodes[i], "1", large, "")
				}
				romeo.out.take()
				m := f.arrive(t, "c", way)
				m.wants(nodes...)
				got := m.gather(t, 20*time.Second, confirms)
				if n := counted(append(m.kept, got...), "#event"); confirms && n != len(nodes) || n == 0 {
					t.Errorf("%s, confirms: %v: %d last items", way, confirms, n)
				}
				for _, node := range nodes {
					romeo.publish(node, "2", large, "")
				}
				romeo.message(m.addr, "and a word")
				time.Sleep(time.Second)
				if condition, shut := m.out.end(); shut {
					t.Errorf("%s, confirms: %v: the stream ends with %q", way, confirms, condition)
				}
				if got := bodiesOf(m.hear()); !slices.Equal(got, []string{"and a word"}) {
					t.Errorf("%s, confirms: %v: %q", way, confirms, got)
				}
			})
		}
	}
}
