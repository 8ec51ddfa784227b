package stream

import (
	"testing"

	"pgregory.net/rapid"

	"quorate.org/daemon/sasl"
	"quorate.org/daemon/xmlwire"
)

// TestModel feeds events in any order. Whatever comes, nothing is served before
// TLS but STARTTLS, nobody is bound who proved nothing, tries are bounded, what
// is written is well-formed and nothing is written behind the end.
func TestModel(t *testing.T) {
	headers := []string{
		clientHeader,
		"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='cb1.meet.example'>",
		"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='x'>",
	}
	elements := []string{
		"<starttls xmlns='" + nsTLS + "'/>", "<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-1'/>",
		"<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-256-PLUS'>cD10bHMtZXhwb3J0ZXIsLG49anVsaWV0LHI9YWJj</auth>",
		"<response xmlns='" + nsSASL + "'>Yz1iaXdzLHI9YWJjLHA9QUFBQQ==</response>", "<abort xmlns='" + nsSASL + "'/>", "<abort xmlns='" + nsSASL2 + "'/>",
		"<authenticate xmlns='" + nsSASL2 + "' mechanism='SCRAM-SHA-1'><bind xmlns='" + nsBind2 + "'/></authenticate>",
		"<authenticate xmlns='" + nsSASL2 + "' mechanism='SCRAM-SHA-1'><initial-response>biwsbj1qdWxpZXQscj1hYmM=</initial-response></authenticate>",
		"<response xmlns='" + nsSASL2 + "'>Yz1iaXdzLHI9YWJjLHA9QUFBQQ==</response>", "<next xmlns='" + nsSASL2 + "'/>",
		"<stream:error/>",
		"<handshake/>", "<handshake>8e5b9bd9a4b5b7b5ee1e3c5ff15f14b79b8a31d5</handshake>",
		"<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
		"<message to='a@b'/>", "<iq xmlns='jabber:server'/>", "<x xmlns='urn:x'/>", "</stream:stream>",
	}
	rapid.Check(t, func(rt *rapid.T) {
		direct := rapid.Bool().Draw(rt, "direct")
		secured := direct
		p := newPeer(t, direct, sasl.Binding{Exporter: []byte("ekm")})
		fails := 0
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			in := rapid.SampledFrom(headers).Draw(rt, "header")
			if p.m.answered {
				in = rapid.SampledFrom(elements).Draw(rt, "element")
			}
			before := p.m.State()
			out, act := p.feed(in)
			wellFormed(rt, []byte(out))
			secured = secured || act.Do == StartTLS
			if act.Failed {
				fails++
			}
			switch s := p.m.State(); {
			case !secured && s != Plain && s != Offered && s != Ended:
				rt.Fatalf("state %d without TLS", s)
			case s == Bound || s == SignedIn || s == Unbound:
				rt.Fatalf("state %d without a proof", s)
			case fails > 2*maxSignIns: // before TLS and behind it
				rt.Fatalf("%d failures", fails)
			case before == Ended && out != "":
				rt.Fatalf("wrote %q behind the end", out)
			}
			if act.Do == Close {
				return
			}
		}
	})
}

func TestJudgeDoesNotAllocate(t *testing.T) {
	p := newPeer(t, true, sasl.Binding{})
	p.m.Granted(nil, p.m.JID())
	s := xmlwire.NewScanner(xmlwire.Limits{})
	feed := func(in string) *xmlwire.Header {
		ev, _, err := s.Next([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		return ev.Header
	}
	feed(clientHeader)
	h := feed("<message to='a@b'><body>x</body></message>")
	if n := testing.AllocsPerRun(100, func() { p.m.Judge(h) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
