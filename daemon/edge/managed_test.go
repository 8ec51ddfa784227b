package edge

import (
	"strings"
	"testing"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/sasl"
	"quorate.org/daemon/stanza"
)

const sm = " xmlns='urn:xmpp:sm:3'"

// TestManagement: the elements of XEP-0198 on a bound stream, in the outbox's order
// and never taken for stanzas.
func TestManagement(t *testing.T) {
	t.Parallel()
	l := newRig(t, Limits{})
	p := l.client("juliet", "x")
	p.send("<r" + sm + "/>")
	p.until("<failed" + sm + "><unexpected-request [^>]*/></failed>")
	p.send("<enable" + sm + " resume='true' max='20'/>")
	p.until("<enabled" + sm + " id='[A-Z2-7]{26}' resume='true' max='20'/>")
	p.send("<r" + sm + "/>")
	p.until("<a" + sm + " h='7'/>")
	p.send("<a" + sm + " h='2'/>")
	p.until("<stream:error><undefined-condition [^>]*/><text [^>]*>You acknowledged 2 stanzas, but I only sent you 1 so far.</text>" +
		"<handled-count-too-high" + sm + " h='2' send-count='1'/></stream:error></stream:stream>$")
	if s := l.closedSession(); !s.detached || s.managed.Queue != DefaultLimits.ResumeQueue {
		t.Errorf("detached %v, managed %+v", s.detached, s.managed)
	}
}

// TestManagedOnce: XEP-0198 §3, a second <enable/> ends the stream.
func TestManagedOnce(t *testing.T) {
	t.Parallel()
	l := newRig(t, Limits{})
	p := l.client("juliet", "x")
	p.send("<enable" + sm + "/>")
	p.until("<enabled" + sm + "/>")
	p.send("<enable" + sm + "/>")
	p.until("<failed" + sm + "><unexpected-request [^>]*/></failed><stream:error><policy-violation .*</stream:stream>$")
}

// TestUnfinished: XEP-0198 §8, an end tag ends the session, a lost connection does
// not.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"</stream:stream>", ""} {
		l := newRig(t, Limits{})
		p := l.client("juliet", "x")
		p.send("<enable" + sm + " resume='1'/>")
		p.until("<enabled")
		if end != "" {
			p.send(end)
		} else {
			p.conn.Close()
		}
		if s := l.closedSession(); s.detached != (end == "") {
			t.Errorf("ended by %q: detached %v", end, s.detached)
		}
	}
}

// TestResumption: the stream of the former session flows behind <resumed/>.
func TestResumption(t *testing.T) {
	t.Parallel()
	l := newRig(t, Limits{})
	l.hub.resuming = func(account jid.JID, token string, h uint32, out Sink) (Session, uint32, error) {
		if account.String() != "juliet@meet.example" || token != "before" || h != 4 {
			return nil, 0, &Unresumed{Condition: stanza.ItemNotFound}
		}
		out.Enqueue([]byte("<message><body>missed</body></message>"))
		return &hubSession{hub: l.hub, jid: jid.MustParse("juliet@meet.example/x"), out: out}, 9, nil
	}
	p := l.dial(true)
	p.signIn(login{user: "juliet", password: "pencil", binding: sasl.Exporter})
	p.send(clientOpen)
	p.until("</stream:features>")
	p.send("<resume" + sm + " previd='after' h='4'/>")
	p.until("<failed" + sm + "><item-not-found [^>]*/></failed>")
	p.send("<resume" + sm + " previd='before' h='4'/>")
	got := p.until("missed</body></message>")
	if !strings.Contains(got, "<resumed"+sm+" previd='before' h='9'/><message>") {
		t.Errorf("got %s", got)
	}
	p.send("<r" + sm + "/>")
	p.until("<a" + sm + " h='7'/>")
}

// TestManagedInline: XEP-0198 §7, enabled with the resource, and resumed with the
// sign-in, behind which no features come.
func TestManagedInline(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	r.hub.resuming = func(_ jid.JID, token string, _ uint32, out Sink) (Session, uint32, error) {
		if token != "before" {
			return nil, 0, &Unresumed{Condition: stanza.ItemNotFound, H: 3, Known: true}
		}
		out.Enqueue([]byte("<message><body>missed</body></message>"))
		return &hubSession{hub: r.hub, jid: jid.MustParse("juliet@meet.example/x"), out: out}, 9, nil
	}
	l := login{user: "juliet", password: "pencil", binding: sasl.Exporter}
	const bind = "<bind xmlns='urn:xmpp:bind:0'><tag>t</tag><enable" + sm + " resume='true'/></bind>"
	fresh := r.dial(true)
	got := fresh.signIn2(l, "<resume"+sm+" previd='after' h='1'/>"+bind)
	if !strings.Contains(got, "<failed"+sm+" h='3'><item-not-found ") || !strings.Contains(got, "<bound xmlns='urn:xmpp:bind:0'><enabled"+sm+" id='") {
		t.Errorf("not resumed: %s", got)
	}
	fresh.send("<r" + sm + "/>") // it is managed
	fresh.until("<a" + sm + " h='7'/>")
	again := r.dial(true)
	got = again.signIn2(l, "<resume"+sm+" previd='before' h='1'/>"+bind)
	got += again.until("missed</body></message>")
	if !strings.Contains(got, "<resumed"+sm+" previd='before' h='9'/></success><message>") {
		t.Errorf("resumed: %s", got)
	}
}
