package edge

import (
	"crypto/tls"
	"crypto/x509"
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
	// GetCertificate returns the certificate for a handshake; its ServerName is the
	// domain of the stream header where one came before, else what SNI says. It is
	// called for each, so a renewed certificate is in use at once and drops no stream.
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// ClientCAs issue certificates that clients may sign in by; such are asked for
	// and not required (RFC 6120 §5.4.3.1, XEP-0178). nil: none are asked for.
	ClientCAs *x509.CertPool
	Limits    Limits
}

// Limits bound what one peer can make the server hold or do. A field that is
// zero takes its value from DefaultLimits.
type Limits struct {
	Stanza           int // bytes of a stanza
	StanzaBeforeAuth int // bytes of an element before authentication
	Header           int // bytes of a stream header
	Depth            int // nested elements in a stanza
	Attrs            int // attributes of one element

	ResumeTime  time.Duration // a managed session waits for its client (XEP-0198)
	ResumeQueue int           // bytes that its client may not have confirmed

	Outbox       int           // bytes that wait to be written to one stream
	AuthTimeout  time.Duration // from connecting to a bound session
	WriteTimeout time.Duration // one write to a peer that does not read, and bytes that it does not acknowledge
	IdleBytes    int           // that a client waits for while it is inactive (XEP-0352)
	IdleWait     time.Duration // … and for how long

	Connections     int           // at a time
	PerAddress      int           // … of one IPv4 address or IPv6 /64
	AuthFailures    int           // failed sign-ins of one such address within FailureWindow
	AccountFailures int           // … and of one account, from wherever
	FailureWindow   time.Duration // … after which they are forgotten
	Backoff         time.Duration // how long the answer to the fourth failure is held back, doubled with each
}

// maxHeader is how long a stream header may be.
const maxHeader = 8192

// DefaultLimits are the limits of product and RFC where nothing is configured.
var DefaultLimits = Limits{
	Stanza:           262144,
	StanzaBeforeAuth: 16384,
	Header:           maxHeader,
	Depth:            64,
	Attrs:            64,
	ResumeTime:       5 * time.Minute,
	ResumeQueue:      1 << 20,
	Outbox:           1 << 20,
	AuthTimeout:      30 * time.Second,
	WriteTimeout:     30 * time.Second,
	IdleBytes:        32 << 10,
	IdleWait:         5 * time.Minute,
	Connections:      50000,
	PerAddress:       1000,
	AuthFailures:     20,
	AccountFailures:  100,
	FailureWindow:    time.Minute,
	Backoff:          100 * time.Millisecond,
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits
	for _, f := range []struct {
		v *int
		d int
	}{
		{&l.Stanza, d.Stanza}, {&l.StanzaBeforeAuth, d.StanzaBeforeAuth}, {&l.Header, d.Header},
		{&l.Depth, d.Depth}, {&l.Attrs, d.Attrs}, {&l.Outbox, d.Outbox},
		{&l.Connections, d.Connections}, {&l.PerAddress, d.PerAddress}, {&l.AuthFailures, d.AuthFailures},
		{&l.AccountFailures, d.AccountFailures}, {&l.IdleBytes, d.IdleBytes}, {&l.ResumeQueue, d.ResumeQueue},
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
		{&l.Backoff, d.Backoff}, {&l.IdleWait, d.IdleWait}, {&l.ResumeTime, d.ResumeTime},
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
	clients  *x509.CertPool
}

func settingsOf(c Config) *settings {
	s := &settings{limits: c.Limits.withDefaults(), clients: c.ClientCAs}
	if c.GetCertificate == nil {
		return s
	}
	s.starttls = tlsConfig(c)
	s.direct = tlsConfig(c)
	s.direct.NextProtos = []string{"xmpp-client"} // XEP-0368 §2
	return s
}
