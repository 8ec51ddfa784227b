package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
)

// Who made a certificate chose its names: on a terminal and on a page they are
// text and no more.
func TestNamesSteerNoTerminal(t *testing.T) {
	const hostile = "a\x1b[2J\nb\u202egnp.txt\x00"
	n := pkix.Name{CommonName: hostile, Organization: []string{hostile}}
	c := &x509.Certificate{Subject: n, Issuer: n, DNSNames: []string{hostile}}
	for _, text := range append([]string{Subject(c), Name(c.Issuer), Subject(&x509.Certificate{DNSNames: c.DNSNames})}, Names(c)...) {
		if strings.ContainsAny(text, "\x1b\n\u202e\x00") || !strings.Contains(text, "gnp.txt") {
			t.Errorf("shown as %q", text)
		}
	}
	if got := Name(pkix.Name{CommonName: "Zoë Grüße"}); got != "CN=Zoë Grüße" {
		t.Errorf("shown as %q", got)
	}
}
