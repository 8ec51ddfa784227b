package edge

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"time"

	"quorate.org/daemon/xmlwire"
)

// Config is what an Edge serves. It is copied and may be applied anew any time.
type Config struct {
	// Open says whether the service is on. Off, no port is open and every stream
	// is ended with <system-shutdown/>.
	Open bool
	// Addrs are the addresses to listen on.
	Addrs []netip.Addr
	// ClientPort serves clients by STARTTLS, ComponentPort components and clients
	// by direct TLS. 0 takes any free port.
	ClientPort, ComponentPort uint16
	// GetCertificate returns the certificate for a handshake. It is called for
	// each, so a renewed certificate is in use at once and drops no stream.
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Limits         Limits
}

// Limits bound what one peer can make the server hold or do. A field that is
// zero takes its value from DefaultLimits.
type Limits struct {
	Stanza           int // bytes of a stanza
	StanzaBeforeAuth int // bytes of an element before authentication
	Header           int // bytes of a stream header
	Depth            int // nested elements in a stanza
	Attrs            int // attributes of one element

	Outbox       int           // bytes that wait to be written to one stream
	AuthTimeout  time.Duration // from connecting to a bound session
	WriteTimeout time.Duration // one write to a peer that does not read

	PerAddress    int           // connections at a time of one IPv4 address or IPv6 /64
	AuthFailures  int           // failed sign-ins of one such address within FailureWindow
	FailureWindow time.Duration // … after which they are forgotten
}

// DefaultLimits are the limits of product and RFC where nothing is configured.
var DefaultLimits = Limits{
	Stanza:           262144,
	StanzaBeforeAuth: 16384,
	Header:           8192,
	Depth:            64,
	Attrs:            64,
	Outbox:           1 << 20,
	AuthTimeout:      30 * time.Second,
	WriteTimeout:     30 * time.Second,
	PerAddress:       1000,
	AuthFailures:     20,
	FailureWindow:    time.Minute,
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits
	for _, f := range []struct {
		v *int
		d int
	}{
		{&l.Stanza, d.Stanza}, {&l.StanzaBeforeAuth, d.StanzaBeforeAuth}, {&l.Header, d.Header},
		{&l.Depth, d.Depth}, {&l.Attrs, d.Attrs}, {&l.Outbox, d.Outbox},
		{&l.PerAddress, d.PerAddress}, {&l.AuthFailures, d.AuthFailures},
	} {
		if *f.v <= 0 {
			*f.v = f.d
		}
	}
	for _, f := range []struct {
		v *time.Duration
		d time.Duration
	}{
		{&l.AuthTimeout, d.AuthTimeout}, {&l.WriteTimeout, d.WriteTimeout}, {&l.FailureWindow, d.FailureWindow},
	} {
		if *f.v <= 0 {
			*f.v = f.d
		}
	}
	return l
}

// before and after are the scanner's limits before and after authentication.
func (l Limits) before() xmlwire.Limits {
	return xmlwire.Limits{Stanza: l.StanzaBeforeAuth, Header: l.Header, Depth: l.Depth, Attrs: l.Attrs}
}

func (l Limits) after() xmlwire.Limits {
	return xmlwire.Limits{Stanza: l.Stanza, Header: l.Header, Depth: l.Depth, Attrs: l.Attrs}
}

func (c Config) check() error {
	switch {
	case !c.Open:
		return nil
	case len(c.Addrs) == 0:
		return errors.New("opening ports: no address to listen on")
	case c.GetCertificate == nil:
		return errors.New("opening ports: no certificate")
	}
	return nil
}

// settings are what a new connection takes from the Config of its time.
type settings struct {
	limits   Limits
	starttls *tls.Config
	direct   *tls.Config
}

func settingsOf(c Config) *settings {
	s := &settings{limits: c.Limits.withDefaults()}
	if c.GetCertificate == nil {
		return s
	}
	s.starttls = tlsConfig(c.GetCertificate)
	s.direct = tlsConfig(c.GetCertificate)
	s.direct.NextProtos = []string{"xmpp-client"} // XEP-0368 §2
	return s
}
