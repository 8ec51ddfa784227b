package edge

import (
	"io"
	"strings"
	"testing"

	"quorate.org/daemon/jid"
	schema "quorate.org/daemon/settings"
)

// TestSeen: what the edge meets with is counted, and each bound where it is reached.
func TestSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{AccountFailures: 1, Outbox: 64 << 10})
	reach := func(bound string, provoke func()) {
		t.Helper()
		before := r.edge.Seen().Reached[bound]
		provoke()
		if now := r.edge.Seen().Reached[bound]; now != before+1 {
			t.Errorf("%s was reached %d times, then %d", bound, before, now)
		}
	}
	violate := func(p *peer, send string) func() {
		return func() {
			go io.WriteString(p.conn, send) // the server may not read all of it
			p.fails("policy-violation")
		}
	}
	stranger := func() *peer {
		p := r.dial(true)
		p.send(clientOpen)
		return p
	}
	reach(boundDepth, violate(stranger(), strings.Repeat("<a>", 100)))
	reach(boundAttributes, violate(stranger(), "<a"+many(100)+"/>"))
	reach(boundBefore, violate(stranger(), "<a>"+strings.Repeat("x", 20<<10)))
	reach(boundStanza, violate(r.client("juliet", "x"), "<message>"+strings.Repeat("x", 300<<10)))
	r.closedSession()
	r.client("romeo", "slow")
	s := r.hub.find(jid.MustParse("romeo@meet.example/slow"))
	reach(boundOutbox, func() {
		for s.out.Enqueue([]byte("<message>" + strings.Repeat("x", 16<<10) + "</message>")) {
		}
	})
	reach(boundOfNode, func() {
		set := r.edge.set.Load()
		less := *set
		less.limits.Connections = 1
		r.edge.set.Store(&less)
		defer r.edge.set.Store(set)
		turnedAway(t, r)
	})
	reach(boundOfOneAccount, func() {
		r.dial(true).signIn(login{"tybalt", "wrong", ""})
		p := stranger()
		p.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>" + first("tybalt") + "</auth>")
		p.until("<temporary-auth-failure/>")
	})
	got := r.edge.Seen()
	if got.SignInsFailed != 2 || got.Bound != [2]uint64{2, 0} || got.StreamErrors["policy-violation"] != 4 || got.StreamErrors["resource-constraint"] != 1 {
		t.Errorf("counted %+v", got)
	}
	if got.Sent[Message] == 0 || got.Sent[IQ] != 0 {
		t.Errorf("sent %v", got.Sent)
	}
}

// TestSent: what is put in an outbox counts if it is a stanza, by its kind.
func TestSent(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	p := r.client("juliet", "x")
	out := r.hub.find(jid.MustParse("juliet@meet.example/x")).out
	p.send("<r" + sm + "/>")
	p.until("<failed .*</failed>")
	p.send("<enable" + sm + "/>")
	p.until("<enabled" + sm + "/>")
	p.send("<r" + sm + "/>")
	p.until("<a" + sm + " h='7'/>")
	for _, raw := range []string{"<r" + sm + "/>", "<message/>", "<p:message xmlns:p='jabber:client'/>", "<presence\n/>", "<iq type='get'/>", "<presence>x</presence>", "<iq>x</iq>"} {
		out.Enqueue([]byte(raw))
	}
	if got := r.edge.Seen().Sent; got != [kinds]uint64{2, 2, 2} {
		t.Errorf("sent %v", got)
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a" + strings.Repeat("b", i) + "=''")
	}
	return b.String()
}

// TestBoundsAreSettings: every bound of the room is one in the schema.
func TestBoundsAreSettings(t *testing.T) {
	for _, b := range bounds {
		if k, ok := schema.Find(b); !ok || !k.Bound {
			t.Errorf("%s is no setting that bounds", b)
		}
	}
}
