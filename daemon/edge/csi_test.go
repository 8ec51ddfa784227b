package edge

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// outboxOf returns the outbox of a bound stream.
func (r *rig) outboxOf(resource string) *outbox {
	r.t.Helper()
	r.edge.mu.Lock()
	defer r.edge.mu.Unlock()
	for c := range r.edge.conns {
		if c.session != nil && strings.HasSuffix(c.session.JID().String(), "/"+resource) {
			return &c.out
		}
	}
	r.t.Fatal("no such stream")
	return nil
}

// waiting returns once an outbox holds that many stanzas and writes none.
func (o *outbox) waiting(t *testing.T, count int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		o.mu.Lock()
		held := 0
		if o.fill != nil {
			held = len(o.fill.ends)
		}
		done := held == count && !o.writing
		o.mu.Unlock()
		if done {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d stanzas are held back, not %d", held, count)
		}
	}
}

// TestXEP0352Indication: what can wait does while a client is inactive, until
// something comes that can not, until it is too much, or until the client is
// active again; then before anything else (XEP-0352 §4, §5.1).
func TestXEP0352Indication(t *testing.T) {
	r := newRig(t, Limits{IdleBytes: 1024})
	from, to := r.component("cb1"), r.client("juliet", "x")
	presence := func(n int) {
		from.send(fmt.Sprintf("<presence from='cb1.meet.example' to='juliet@meet.example/x' id='p%d'/>", n))
	}
	away := func() {
		to.send("<inactive xmlns='urn:xmpp:csi:0'/><message to='juliet@meet.example/x'><body>away</body></message>")
		to.until("<body>away</body></message>")
	}
	presence(1) // a stream begins active
	to.until("id='p1'/>")
	away()
	for n := range 3 {
		presence(n)
	}
	out := r.outboxOf("x")
	out.waiting(t, 3)
	from.send("<message from='cb1.meet.example' to='juliet@meet.example/x'><body>now</body></message>")
	got := to.until("<body>now</body></message>")
	for n, at := 0, -1; n < 3; n++ {
		next := strings.Index(got, fmt.Sprintf("id='p%d'", n))
		if next <= at {
			t.Errorf("out of order: %s", got)
		}
		at = next
	}
	presence(4)
	out.waiting(t, 1)
	to.send("<active xmlns='urn:xmpp:csi:0'/><message to='juliet@meet.example/x'><body>pong</body></message>")
	if got := to.until("<body>pong</body></message>"); !strings.Contains(got, "id='p4'") {
		t.Errorf("behind the answer: %s", got)
	}
	presence(5)
	to.until("id='p5'/>")
	away()
	for n := range 20 { // more than may wait
		presence(100 + n)
	}
	to.until("id='p110'/>")
	if n := r.edge.Seen().Reached[boundIdle]; n == 0 {
		t.Error("the bound was reached, and nobody counted")
	}
	to.send("<other xmlns='urn:xmpp:csi:0'/>")
	to.until("<unsupported-stanza-type")
}

// TestXEP0352Overdue: what is held back does not wait for ever.
func TestXEP0352Overdue(t *testing.T) {
	var o outbox
	o.init(1<<20, 1024)
	o.release()
	o.attend(false)
	if r := o.put([]byte("<presence/>")); r != queued {
		t.Fatal("a writer was started")
	}
	now := time.Now()
	if o.overdue(now.Add(59*time.Second), time.Minute) != queued || o.overdue(now.Add(61*time.Second), time.Minute) != queuedGo {
		t.Error("it is written at another time than after a minute")
	}
	if b, _ := o.take(0); string(b) != "<presence/>" {
		t.Errorf("%q", b)
	}
	o.take(len("<presence/>"))
	if o.overdue(now.Add(time.Hour), time.Minute) != queued {
		t.Error("a writer is started for nothing")
	}
}

// TestXEP0386Inline: a session has what was asked for with it from its beginning.
func TestXEP0386Inline(t *testing.T) {
	r := newRig(t, Limits{})
	to := r.dial(true)
	to.signIn2(login{user: "juliet", password: "pencil"}, "<bind xmlns='urn:xmpp:bind:0'><tag>t</tag><enable xmlns='urn:xmpp:carbons:2'/><inactive xmlns='urn:xmpp:csi:0'/></bind>")
	r.hub.mu.Lock()
	var s *hubSession
	for _, each := range r.hub.sessions {
		s = each
	}
	r.hub.mu.Unlock()
	if !s.wish.Carbons {
		t.Error("copies were not asked for")
	}
	s.out.Enqueue([]byte("<presence id='1'/>"))
	r.outboxOf(s.jid.Resource()).waiting(t, 1)
	s.out.Enqueue([]byte("<message><body>x</body></message>"))
	to.until("<presence id='1'/><message><body>x</body></message>")
}
