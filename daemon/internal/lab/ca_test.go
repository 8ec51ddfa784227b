package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"
)

// What the CA signs or issues verifies by its pool, for servers and the names
// asked for, and for nothing else.
func TestCASigns(t *testing.T) {
	ca, err := NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"a.example"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ca.Sign(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	issued, issuedKey, err := ca.Issue(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "a.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.X509KeyPair(issued, issuedKey); err != nil {
		t.Error(err)
	}
	for _, cert := range [][]byte{signed, issued} {
		block, _ := pem.Decode(cert)
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: "a.example"}); err != nil {
			t.Error(err)
		}
		if _, err := c.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: "b.example"}); err == nil {
			t.Error("it verifies for a name that nobody asked for")
		}
		if _, err := c.Verify(x509.VerifyOptions{Roots: ca.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err == nil {
			t.Error("it is good for clients, as public CAs issue no more")
		}
	}
}

func TestCARefusesABrokenRequest(t *testing.T) {
	ca, err := NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{"", "no PEM", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"} {
		if _, err := ca.Sign([]byte(in)); err == nil {
			t.Errorf("Sign(%q) succeeded", in)
		}
	}
}
