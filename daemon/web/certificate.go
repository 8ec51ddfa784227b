package web

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"time"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/bus"
	"quorate.org/daemon/keypair"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/settings"
)

// identity is the certificate that Web Admin presents: the one the settings
// name, or while that can not be had, one it made for itself.
type identity struct {
	state string
	log   *slog.Logger
	now   atomic.Pointer[presented]
	asked asked  // only renew touches it
	wrong string // why what was asked for is not in use; only renew touches it
}

// asked is what the certificate in use depends on, the files' content aside.
type asked struct{ key, certificate, bundle, host string }

type presented struct {
	pair *tls.Certificate
	own  bool // made by Web Admin
}

func newIdentity(state string, log *slog.Logger) *identity { return &identity{state: state, log: log} }

// certificate answers each handshake with the certificate of that moment
// (crypto/tls.Config.GetCertificate).
func (i *identity) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if p := i.now.Load(); p != nil {
		return p.pair, nil
	}
	return nil, fmt.Errorf("there is no certificate yet")
}

// fingerprint returns the SHA-256 of the self-made certificate, in the form
// that browsers show; empty while another is in use.
func (i *identity) fingerprint() string {
	if p := i.now.Load(); p != nil && p.own {
		return pki.Fingerprint(p.pair.Leaf.Raw)
	}
	return ""
}

// renew takes the certificate of the settings, for handshakes from now on. When
// it can not be had, a configured one in use stays; only before the first is
// there the self-made one, so that a restart of the certificate service does
// not show people another certificate. Unless files may have changed, nothing is
// fetched that is in use already: each use of a key is journaled.
func (i *identity) renew(ctx context.Context, store *bus.Certificates, web settings.Web, host string, changed bool) {
	want := asked{web.Key, web.Certificate, web.Bundle, host}
	if want == i.asked && !changed && i.wrong == "" && i.inTime(time.Now()) {
		return
	}
	i.asked = want
	if web.Key != "" {
		pair, err := keypair.Read(ctx, store, web.Key, web.Certificate, web.Bundle)
		i.complain(err)
		if err == nil {
			i.present(&presented{pair: pair})
			return
		}
		if p := i.now.Load(); p != nil && !p.own {
			return
		}
	}
	pair, err := i.selfMade(host, time.Now())
	if err != nil {
		i.complain(err)
		return
	}
	if web.Key == "" {
		i.complain(nil)
	}
	i.present(&presented{pair: pair, own: true})
}

// inTime says whether what is presented needs no successor yet.
func (i *identity) inTime(now time.Time) bool {
	p := i.now.Load()
	return p != nil && (!p.own || now.Before(p.pair.Leaf.NotAfter.Add(-renewBefore)))
}

func (i *identity) present(p *presented) {
	before := i.now.Swap(p)
	if before != nil && pki.Fingerprint(before.pair.Leaf.Raw) == pki.Fingerprint(p.pair.Leaf.Raw) {
		return
	}
	what := "Web Admin presents the certificate of " + pki.Subject(p.pair.Leaf)
	if p.own {
		what = "Web Admin presents a certificate it made for itself"
	}
	i.log.Info(what+", SHA-256 "+pki.Fingerprint(p.pair.Leaf.Raw), "fingerprint", pki.Fingerprint(p.pair.Leaf.Raw))
}

// complain journals an error when it is a new one.
func (i *identity) complain(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != i.wrong {
		i.log.Error("the certificate of Web Admin can not be used: " + text)
	}
	i.wrong = text
}

// renewBefore is how long before its end the self-made certificate is made anew.
const renewBefore = 30 * 24 * time.Hour

// selfMade returns the kept certificate, and makes one when there is none, when
// it is near its end, or when the host has another name by now. Addresses come
// and go with DHCP: those of the moment it is made are in it, and a change
// alone makes no new one, because people have noted its fingerprint.
func (i *identity) selfMade(host string, now time.Time) (*tls.Certificate, error) {
	file := filepath.Join(i.state, "self.pem")
	if pair, err := tls.LoadX509KeyPair(file, file); err == nil {
		inTime := now.Before(pair.Leaf.NotAfter.Add(-renewBefore)) && !now.Before(pair.Leaf.NotBefore)
		if inTime && pair.Leaf.Subject.CommonName == commonName(host) {
			return &pair, nil
		}
	}
	text, err := makeSelfSigned(host, now)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.Replace(file, text, 0o600); err != nil {
		return nil, fmt.Errorf("keeping the self-made certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("reading the self-made certificate: %w", err)
	}
	return &pair, nil
}

func makeSelfSigned(host string, now time.Time) ([]byte, error) {
	attributes := &pki.Attributes{DNSNames: []string{commonName(host)}, Addresses: ownAddresses()}
	attributes.Subject.CommonName = commonName(host)
	key, err := pki.GenerateKey(pki.P256)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	made, err := pki.SelfSigned(key, attributes, now)
	if err != nil {
		return nil, err
	}
	certificate, err := made.PEM()
	if err != nil {
		return nil, err
	}
	private, err := pki.EncodeKey(key)
	return append(certificate, private...), err
}

// commonName is the host name as far as it goes into a certificate: 64 bytes
// (RFC 5280 appendix A.1 ub-common-name).
func commonName(host string) string {
	if host == "" || len(host) > 64 {
		return "quorate"
	}
	return host
}

func ownAddresses() (out []net.IP) {
	list, _ := net.InterfaceAddrs() // without, the certificate has the name alone
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			out = append(out, n.IP)
		}
	}
	return out
}
