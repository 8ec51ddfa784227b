package edge

import (
	"crypto/tls"
	"testing"
)

// TestALPN: on the direct-TLS port clients say xmpp-client or nothing; servers,
// which say xmpp-server, are not served here (XEP-0368 §2). Within STARTTLS
// nothing is negotiated.
func TestALPN(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	for _, c := range []struct {
		offers []string
		want   string
		ok     bool
	}{{nil, "", true}, {[]string{"xmpp-client"}, "xmpp-client", true}, {[]string{"xmpp-server", "xmpp-client"}, "xmpp-client", true}, {[]string{"xmpp-server"}, "", false}, {[]string{"h2"}, "", false}} {
		cfg := clientTLS.Clone()
		cfg.NextProtos = c.offers
		conn, err := tls.Dial("tcp", r.address(true), cfg)
		if (err == nil) != c.ok {
			t.Errorf("%v: %v", c.offers, err)
		}
		if err != nil {
			continue
		}
		if got := conn.ConnectionState().NegotiatedProtocol; got != c.want {
			t.Errorf("%v: negotiated %q, want %q", c.offers, got, c.want)
		}
		conn.Close()
	}
	p := r.dial(false)
	p.tls = clientTLS.Clone()
	p.tls.NextProtos = []string{"xmpp-client"}
	p.startTLS()
	if got := p.conn.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != "" {
		t.Errorf("within STARTTLS %q is negotiated", got)
	}
}
