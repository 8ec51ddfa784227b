package stream

import (
	"errors"
	"testing"

	"quorate.org/daemon/sasl"
	"quorate.org/daemon/xmlwire"
)

// FuzzStream feeds bytes as they may come from a network. What the machine
// writes is well-formed, and nobody is signed in or bound, since no input made
// in advance holds a proof.
func FuzzStream(f *testing.F) {
	f.Add([]byte(clientHeader+"<auth xmlns='"+nsSASL+"' mechanism='SCRAM-SHA-1'>biwsbj1qdWxpZXQscj1h</auth>"), true)
	f.Add([]byte("<?xml version='1.0'?>"+clientHeader+"<starttls xmlns='"+nsTLS+"'/>"), false)
	f.Add([]byte("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='cb1.meet.example'><handshake>00</handshake>"), true)
	f.Add([]byte(clientHeader+"</stream:stream>"), true)
	f.Add([]byte(clientHeader+"<authenticate xmlns='"+nsSASL2+"' mechanism='SCRAM-SHA-1'><initial-response>biwsbj1qdWxpZXQscj1h</initial-response><user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/><bind xmlns='"+nsBind2+"'><tag>x</tag></bind></authenticate><response xmlns='"+nsSASL2+"'>Yz1iaXdzLHI9YWJjLHA9QUFBQQ==</response>"), true)
	f.Fuzz(func(t *testing.T, in []byte, direct bool) {
		p := newPeer(t, direct, sasl.Binding{Exporter: []byte("ekm")})
		for len(in) > 0 {
			ev, n, err := p.scan.Next(in)
			in = in[n:]
			var out []byte
			var act Action
			var v *Violation
			switch {
			case errors.As(err, &v):
				out, act = p.m.Fail(nil, v)
			case ev.Kind == xmlwire.NeedMore:
				return
			case ev.Kind == xmlwire.StreamOpen:
				out, act = p.m.Header(nil, ev.Stream)
			case ev.Kind == xmlwire.StreamClose:
				out, act = p.m.End(nil)
			default:
				out, act = p.m.Element(nil, ev)
			}
			wellFormed(t, out)
			if act.Do == Restart || act.Do == Admit || act.Do == Bind {
				t.Fatalf("let in: %s", describe(act))
			}
			if act.Do == Close {
				return
			}
			if act.Do == StartTLS {
				p.scan.Restart()
				p.m.Secured(Channel{Binding: sasl.Binding{Exporter: []byte("ekm")}})
			}
		}
	})
}
