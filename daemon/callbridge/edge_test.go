package callbridge

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/edge"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/sasl"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// office is the cluster behind a real edge: it knows cb1 and grants sessions
// while it has a leader.
type office struct {
	edge.Router            // what is for clients
	mu          sync.Mutex // guards what follows
	leaderless  bool
	out         edge.Sink
	heard       chan string
}

func (*office) Serves(string) bool { return false }

func (*office) Credentials(jid.JID) (sasl.Credentials, bool) { return sasl.Credentials{}, false }
func (*office) ComponentSecret(name string) (string, bool)   { return secret, name == "cb1" }
func (*office) Decoys() []byte                               { return nil }
func (*office) Domain() string                               { return domain }

func (o *office) Bind(_ context.Context, _ edge.Kind, want jid.JID, _ edge.Wish, out edge.Sink) (edge.Session, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.leaderless {
		return nil, &edge.Refusal{Condition: stanza.ResourceConstraint, Text: "no quorum: 1 of 3 voters reachable, 2 needed"}
	}
	o.out = out
	return session{office: o, jid: want}, nil
}

type session struct {
	*office
	edge.Session // what a component has no use for
	jid          jid.JID
}

func (s session) JID() jid.JID { return s.jid }
func (s session) Close()       {}
func (s session) Send(_ context.Context, _ *xmlwire.Header, raw []byte) error {
	s.heard <- string(raw)
	return nil
}

// openEdge serves components with the CA's certificate for the domain.
func (r *rig) openEdge(o *office) netip.AddrPort {
	r.t.Helper()
	leaf := r.ca.Leaf(r.t, domain)
	cert := &tls.Certificate{Certificate: [][]byte{leaf.Cert.Raw}, PrivateKey: leaf.Key}
	e := edge.New(o, o, slog.New(slog.DiscardHandler))
	if err := e.Apply(edge.Config{Open: true, Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return cert, nil }}); err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); e.Run(ctx) }()
	r.t.Cleanup(func() { stop(); <-ended })
	for _, l := range e.Listening() {
		if l.Direct {
			return l.Addr
		}
	}
	r.t.Fatal("no port for components")
	return netip.AddrPort{}
}

// The server of this product and its Call Bridge understand each other, in
// good and in bad times.
func TestRealServer(t *testing.T) {
	r := newRig(t)
	o := &office{leaderless: true, heard: make(chan string, 10)}
	at := r.openEdge(o).String()
	r.use(func(s *Setup) { s.Server = at })
	r.run()
	r.await("without quorum", told(fault.NoQuorum, at+" can not sign a call bridge in: no quorum: 1 of 3 voters reachable, 2 needed"))
	r.use(func(s *Setup) { s.Server, s.Secret = at, "other" })
	r.await("a wrong secret", told(fault.WrongSecret, at+` does not accept the secret of call bridge "cb1"`))
	r.use(func(s *Setup) { s.Server, s.Name = at, "cb9" })
	r.await("unknown", told(fault.UnknownComponent, at+` knows no call bridge "cb9"`))
	o.mu.Lock()
	o.leaderless = false
	o.mu.Unlock()
	r.use(func(s *Setup) { s.Server = at })
	r.awaitState(Connected)
	o.mu.Lock()
	o.out.Enqueue([]byte("<iq type='get' id='q' from='meet.example' to='cb1.meet.example'><ping xmlns='urn:xmpp:ping'/></iq>"))
	o.mu.Unlock()
	if got, want := <-o.heard, "<iq from='cb1.meet.example' type='result' id='q' to='meet.example'/>"; got != want {
		t.Errorf("a ping is answered by %s, want %s", got, want)
	}
	o.mu.Lock()
	o.out.Shut(stanza.StreamConflict, "")
	o.mu.Unlock()
	r.await("a conflict", told(fault.Exists, `another call bridge has signed in as "cb1"`))
}

func told(code fault.Code, text string) func(bus.CallBridgeStatus) bool {
	return func(s bus.CallBridgeStatus) bool {
		return s.Code == string(code) && strings.HasSuffix(s.Text, ": "+text)
	}
}
