package forward

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
)

// TestSessionsOfAnAccount: an account has only so many sessions at a time, wherever
// they are; one that takes the place of another is none more (RFC 6120 §7.6.2.1).
func TestSessionsOfAnAccount(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.limits.Sessions = 2
		one := f.enter("b", "romeo", "one")
		f.enter("c", "romeo", "two")
		f.enter("c", "romeo", "two")
		f.enter("a", "juliet", "one")
		bind := func() error {
			s, err := f.nodes["a"].Bind(t.Context(), edge.Client, jid.MustParse("romeo@meet.example/three"), edge.Wish{}, &stream{})
			if err == nil {
				s.Close()
			}
			return err
		}
		var refused *edge.Refusal
		if err := bind(); !errors.As(err, &refused) || refused.Condition != stanza.ResourceConstraint {
			t.Errorf("a third: %v", err)
		}
		if n := f.nodes["a"].Seen().Reached["xmpp.max_sessions"]; n != 1 {
			t.Errorf("counted %d times", n)
		}
		f.lead("c")
		if err := bind(); err == nil {
			t.Error("the next leader grants a third")
		}
		one.s.Close()
		synctest.Wait()
		if err := bind(); err != nil {
			t.Errorf("when one has gone: %v", err)
		}
	})
}

// TestLimitsOfAnAccount: the settings of the node that leads hold.
func TestLimitsOfAnAccount(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.limits.Contacts, f.limits.Groups = 1, 1
		romeo := f.enter("b", "romeo", "r")
		for item, want := range map[string]string{
			"<item jid='a@meet.example'><group>1</group><group>2</group></item>": "not-acceptable",
			"<item jid='b@meet.example'><group>1</group></item>":                 "result",
		} {
			romeo.set(item)
			if got := romeo.out.take(); len(got) != 1 || !strings.Contains(got[0], want) {
				t.Errorf("%s: %q", item, got)
			}
		}
		romeo.set("<item jid='c@meet.example'/>")
		if got := romeo.out.take(); len(got) != 1 || !strings.Contains(got[0], "resource-constraint") {
			t.Errorf("a second contact: %q", got)
		}
		if n := f.nodes["a"].Seen().Reached; n["xmpp.max_contacts"] != 1 || n["xmpp.max_contact_groups"] != 1 || n["xmpp.max_vcard"] != 0 {
			t.Errorf("counted %v", n)
		}
	})
}

// TestPageOfAnArchive: a query is given as many messages as the setting says, and it
// is counted where it wanted more.
func TestPageOfAnArchive(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		p := all
		p.Page = 3
		f.keeping(p)
		romeo, juliet := f.enter("b", "romeo", "r"), f.online("c", "juliet", "j")
		for i := range 4 {
			romeo.message(juliet.addr, fmt.Sprint(i))
		}
		for _, c := range []struct {
			ask   string
			want  int
			count uint64
		}{
			{"", 3, 1},
			{"<set xmlns='http://jabber.org/protocol/rsm'><max>200</max></set>", 3, 2},
			{"<set xmlns='http://jabber.org/protocol/rsm'><max>2</max></set>", 2, 2},
		} {
			got, fin := juliet.archived(c.ask)
			if n := f.nodes["a"].Seen().Reached["xmpp.archive_page"]; len(got) != c.want || n != c.count || strings.Contains(fin, "complete") {
				t.Errorf("%q: %q %s, counted %d", c.ask, got, fin, n)
			}
		}
	})
}

// TestPublishedPayload: an item that is too large is refused and counted.
func TestPublishedPayload(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.limits.Payload = 50
		romeo := f.enter("b", "romeo", "r")
		for i, want := range []string{"type='result'", "payload-too-big"} {
			romeo.out.take()
			romeo.say("<iq from='%s' type='set' id='p'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n'><item><a xmlns='x'>%s</a></item></publish></pubsub></iq>",
				romeo.addr, strings.Repeat("x", i*50))
			if got := strings.Join(romeo.out.take(), ""); !strings.Contains(got, want) {
				t.Errorf("%d: %s", i, got)
			}
		}
		if n := f.nodes["a"].Seen().Reached["xmpp.max_item_payload"]; n != 1 {
			t.Errorf("counted %d", n)
		}
	})
}
