package callbridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/pki/pkitest"
)

// The link to the server of the lowest priority, as every face shows it.
func TestConnected(t *testing.T) {
	r := newRig(t)
	a, b := r.good("cb1.meet.example"), r.good("cb2.meet.example")
	r.names.component(60, a, b)
	r.use(nil)
	r.run()
	got := r.awaitState(Connected)
	text := "connected to " + (target{host: a.host, port: a.port}).String() + " (secure)"
	want := bus.CallBridgeStatus{
		Name: "cb1", Domain: domain, Address: "cb1.meet.example", State: Connected, Since: got.Since, Text: text,
		Server: (target{host: a.host, port: a.port}).String(), Node: "cb1.meet.example", Remote: a.listener.Addr().String(), TLS: "TLS 1.3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if n := r.log.times(text, journal.LinkUp); n != 1 {
		t.Errorf("journaled %d times:\n%s", n, r.log.String())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sni != domain || cmp.Diff(a.alpn, []string{"xmpp-client"}) != "" {
		t.Errorf("the server saw SNI %q and ALPN %q", a.sni, a.alpn)
	}
	if b.opened() > 0 {
		t.Error("there are two links")
	}
}

// When the server dies the bridge is connected elsewhere within 2 s, even while
// the name servers are silent, and comes back on no account by itself.
func TestFailOver(t *testing.T) {
	r := newRig(t)
	a, b := r.good("cb1.meet.example"), r.good("cb2.meet.example")
	r.names.component(0, a, b)
	r.use(nil)
	r.run()
	r.awaitState(Connected)
	r.names.quiet(true)
	began := time.Now()
	a.die()
	got := r.await("elsewhere", func(s bus.CallBridgeStatus) bool { return s.State == Connected && s.Node == b.host })
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("connected elsewhere after %v", d)
	}
	if got.Code != "" || got.Remedy != "" || len(got.Attempts) > 0 {
		t.Errorf("the loss is still told: %+v", got)
	}
	lost := `connection to "meet.example" failed (connection refused or no answer): the link to ` + (target{host: a.host, port: a.port}).String() + " broke"
	if n := r.log.times(lost, journal.LinkDown); n != 1 {
		t.Errorf("the loss is journaled %d times:\n%s", n, r.log.String())
	}
}

// A name server that restarts, as it does when its zone is mended, says that it is
// not there: it is not taken for silent, and the mended zone holds at the next try.
func TestNameServerRestarts(t *testing.T) {
	r := newRig(t)
	a, b := r.good("cb1.meet.example"), r.good("cb2.meet.example")
	r.names.component(0, a)
	r.use(nil)
	r.run()
	r.awaitState(Connected)
	r.names.refuse(true)
	a.die()
	r.awaitState(Failed)
	r.names.component(60, b)
	r.names.refuse(false)
	r.await("elsewhere", func(s bus.CallBridgeStatus) bool { return s.State == Connected && s.Node == b.host })
}

// A server that is stopped in order is left at once too.
func TestServerStopped(t *testing.T) {
	r := newRig(t)
	a, b := r.good("cb1.meet.example"), r.good("cb2.meet.example")
	r.names.component(60, a, b)
	r.use(nil)
	r.run()
	r.awaitState(Connected)
	a.send(streamErrorOf("system-shutdown", "") + "</stream:stream>")
	r.await("elsewhere", func(s bus.CallBridgeStatus) bool { return s.State == Connected && s.Node == b.host })
}

// A call bridge that is taken off the list is told so, not that its secret is
// wrong.
func TestRemoved(t *testing.T) {
	r := newRig(t)
	a := r.good("cb1.meet.example")
	r.names.component(60, a)
	r.use(nil)
	r.run()
	r.awaitState(Connected)
	a.be(func() { a.refusal = streamErrorOf("host-unknown", "") })
	a.send(streamErrorOf("not-authorized", "the component was removed") + "</stream:stream>")
	r.awaitState(Failed)
	removed := fmt.Sprintf(`connection to "meet.example" failed (unknown call bridge): call bridge "cb1" was removed at %s`, target{host: a.host, port: a.port})
	if n := r.log.times(removed, journal.LinkDown); n != 1 {
		t.Errorf("journaled %d times:\n%s", n, r.log.String())
	}
}

// A newer stream of our name ends ours: the bridge does not fight for it.
func TestConflict(t *testing.T) {
	r := newRig(t)
	a := r.good("cb1.meet.example")
	r.names.component(60, a)
	r.use(nil)
	r.run()
	r.awaitState(Connected)
	a.send(streamErrorOf("conflict", "") + "</stream:stream>")
	got := r.await("lost", func(s bus.CallBridgeStatus) bool { return s.State != Connected })
	if want := `connection to "meet.example" failed (already there): another call bridge has signed in as "cb1"`; got.Text != want {
		t.Errorf("told %q", got.Text)
	}
	select {
	case <-time.After(time.Second): // five times the first pause of a lost link
	case <-r.told:
		if s := r.bridge.Status(); s.State == Connected {
			t.Error("connected again at once")
		}
	}
}

// Silence is broken by a ping; without an answer the link is lost.
func TestSilentServer(t *testing.T) {
	r := newRig(t)
	r.bridge.limits.idle, r.bridge.limits.silence = 50*time.Millisecond, 300*time.Millisecond
	a := r.good("cb1.meet.example")
	r.names.component(60, a)
	r.use(nil)
	r.run()
	r.awaitState(Connected)
	const ping = "<iq type='get' id='ping' from='cb1.meet.example' to='meet.example'><ping xmlns='urn:xmpp:ping'/></iq>"
	for range 3 { // answered, it stays
		if got := a.hears(); got != ping {
			t.Fatalf("heard %s", got)
		}
		a.send("<iq type='result' id='ping' from='meet.example' to='cb1.meet.example'/>")
	}
	if n := a.opened(); n != 1 {
		t.Fatalf("%d streams", n)
	}
	got := r.await("lost", func(s bus.CallBridgeStatus) bool { return s.State != Connected })
	if !strings.HasSuffix(got.Text, "does not answer any more") {
		t.Errorf("told %q", got.Text)
	}
}

// A server in doubt is asked once until it is heard again, and need not answer:
// that its machine has the question is enough.
func TestDoubt(t *testing.T) {
	r := newRig(t)
	a := r.good("cb1.meet.example")
	r.names.component(60, a)
	r.bridge.Doubt() // there is no link yet
	r.use(nil)
	r.run()
	r.awaitState(Connected)
	for range 2 {
		r.bridge.Doubt()
		r.bridge.Doubt()
		if got := a.hears(); !strings.Contains(got, "id='ping'") {
			t.Fatalf("heard %s", got)
		}
		a.send("<iq type='get' id='q' from='meet.example' to='cb1.meet.example'><ping xmlns='urn:xmpp:ping'/></iq>")
		if got := a.hears(); !strings.Contains(got, "id='q'") {
			t.Fatalf("asked twice, or the answer is %s", got)
		}
	}
	if n := a.opened(); n != 1 {
		t.Errorf("%d streams", n)
	}
}

// What is asked of the bridge is answered; what is no request is not.
func TestAnswers(t *testing.T) {
	r := newRig(t)
	a := r.good("cb1.meet.example")
	r.names.component(60, a)
	r.use(nil)
	r.run()
	r.awaitState(Connected)
	ask := func(kind, to, payload string) string {
		return "<iq type='" + kind + "' id='q' from='ann@meet.example/x' to='" + to + "'>" + payload + "</iq>"
	}
	const self = "cb1.meet.example"
	result := func(payload string) string {
		if payload == "" {
			return "<iq type='result' id='q' from='cb1.meet.example' to='ann@meet.example/x'/>"
		}
		return "<iq type='result' id='q' from='cb1.meet.example' to='ann@meet.example/x'>" + payload + "</iq>"
	}
	refused := func(condition string) string { return "<" + condition + " " }
	for _, tc := range []struct{ name, ask, want string }{
		{"disco#info", ask("get", self, "<query xmlns='http://jabber.org/protocol/disco#info'/>"),
			result("<query xmlns='http://jabber.org/protocol/disco#info'><identity category='component' type='generic' name='Quorate Call Bridge'/>" +
				"<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/>" +
				"<feature var='jabber:iq:version'/><feature var='urn:xmpp:ping'/></query>")},
		{"disco#items", ask("get", self, "<query xmlns='http://jabber.org/protocol/disco#items'/>"), result("<query xmlns='http://jabber.org/protocol/disco#items'></query>")},
		{"a node of disco", ask("get", self, "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>"), refused("item-not-found")},
		{"ping", ask("get", self, "<ping xmlns='urn:xmpp:ping'/>"), result("")},
		{"version", ask("get", self, "<query xmlns='jabber:iq:version'/>"),
			result("<query xmlns='jabber:iq:version'><name>Quorate Call Bridge</name><version>0.1.0</version></query>")},
		{"ping of nobody", ask("get", "nobody@"+self, "<ping xmlns='urn:xmpp:ping'/>"), refused("service-unavailable")},
		{"an unknown get", ask("get", self, "<query xmlns='jabber:iq:last'/>"), refused("service-unavailable")},
		{"an unknown set", ask("set", self, "<query xmlns='jabber:iq:roster'/>"), refused("service-unavailable")},
		{"no child", ask("get", self, ""), refused("bad-request")},
		{"an error", ask("error", self, "<error/>"), ""},
		{"a result", ask("result", self, ""), ""},
		{"a message", "<message from='ann@meet.example' to='" + self + "'><body>x</body></message>", ""},
		{"a presence", "<presence type='subscribe' from='ann@meet.example' to='" + self + "'/>", ""},
	} {
		// What is not answered is told by the answer to a ping behind it.
		a.send(tc.ask + "<iq type='get' id='after' from='meet.example' to='cb1.meet.example'><ping xmlns='urn:xmpp:ping'/></iq>")
		got := a.hears()
		if tc.want == "" {
			if !strings.Contains(got, "id='after'") {
				t.Errorf("%s is answered by %s", tc.name, got)
			}
			continue
		}
		if refusal := strings.HasSuffix(tc.want, " "); !refusal && got != tc.want || refusal && (!strings.Contains(got, "type='error'") || !strings.Contains(got, tc.want)) {
			t.Errorf("%s is answered by %s, want %s", tc.name, got, tc.want)
		}
		if got := a.hears(); !strings.Contains(got, "id='after'") {
			t.Errorf("%s is answered twice: %s", tc.name, got)
		}
	}
}

// Equal values leave the link alone; others, and Reconnect, make a new one.
func TestNewSetup(t *testing.T) {
	r := newRig(t)
	a := r.good("cb1.meet.example")
	r.names.component(60, a)
	r.use(nil)
	r.run()
	r.awaitState(Connected)
	r.use(nil)
	r.bridge.Reconnect()
	if got := a.hears(); got != "</stream:stream>" {
		t.Errorf("the old link ends with %q", got)
	}
	r.await("connected anew", func(s bus.CallBridgeStatus) bool { return s.State == Connected && a.opened() == 2 })
	r.use(func(s *Setup) { s.Trust = NewTrust(pkitest.Certs(r.ca, pkitest.NewCA(t, "another")), nil) })
	r.await("connected by another trust", func(s bus.CallBridgeStatus) bool { return s.State == Connected && a.opened() == 3 })
	r.use(func(s *Setup) { s.Name, s.Secret = "", "" })
	got := r.awaitState(NotConfigured)
	if got.Text != "not configured: the name and the shared secret are missing" || got.Remedy != "callbridge name <name>; callbridge secret" {
		t.Errorf("told %q, %q", got.Text, got.Remedy)
	}
}
