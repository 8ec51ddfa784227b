package sasl

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDerive(t *testing.T) {
	salt := []byte("0123456789abcdef")
	plain, err := Derive("I\u00ADX", salt, 4096) // RFC 4013 §3: soft hyphen maps to nothing
	if err != nil {
		t.Fatal(err)
	}
	same, err := Derive("IX", salt, 4096)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain, same); diff != "" {
		t.Error(diff)
	}
	b, err := json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	var back Credentials
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain, back); diff != "" {
		t.Error(diff)
	}
	for _, password := range []string{"", "\u00AD", "a\x07", "\u0627\u0031"} { // RFC 4013 §3 #6, #7
		if _, err := Derive(password, salt, 4096); !errors.Is(err, ErrPassword) {
			t.Errorf("%q: %v", password, err)
		}
	}
	for _, c := range []struct {
		salt []byte
		n    int
	}{{nil, 4096}, {salt, 4095}} {
		if _, err := Derive("pencil", c.salt, c.n); err == nil {
			t.Errorf("accepted salt %q, %d iterations", c.salt, c.n)
		}
	}
}

func TestMechanisms(t *testing.T) {
	for _, c := range []struct {
		b    Binding
		want []string
	}{
		{Binding{}, []string{ScramSHA256, ScramSHA1}},
		{Binding{EndPoint: []byte{1}}, []string{ScramSHA256Plus, ScramSHA1Plus, ScramSHA256, ScramSHA1}},
	} {
		if diff := cmp.Diff(c.want, (Offer{Binding: c.b}).Mechanisms()); diff != "" {
			t.Error(diff)
		}
	}
}

// TestBindingOf compares the server's binding data with what the client's side
// of the same connection gives.
func TestBindingOf(t *testing.T) {
	for name, key := range map[string]crypto.Signer{"ecdsa": ecdsaKey(t), "ed25519": ed25519Key(t)} {
		t.Run(name, func(t *testing.T) {
			cert := selfSigned(t, key)
			a, b := net.Pipe()
			server := tls.Server(a, &tls.Config{Certificates: []tls.Certificate{cert}})
			client := tls.Client(b, &tls.Config{InsecureSkipVerify: true})
			defer a.Close() // the pipe, since closing TLS waits for the peer
			defer b.Close()
			done := make(chan error, 1)
			go func() { done <- server.Handshake() }()
			if err := client.Handshake(); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			got := BindingOf(server.ConnectionState(), cert.Leaf)
			seen := client.ConnectionState()
			want := BindingOf(seen, seen.PeerCertificates[0])
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if len(got.Exporter) != 32 {
				t.Errorf("exporter of %d bytes", len(got.Exporter))
			}
			if (got.EndPoint == nil) != (name == "ed25519") { // no hash in Ed25519: undefined
				t.Errorf("end point %x", got.EndPoint)
			}
		})
	}
}

func TestDecoyFollowsKey(t *testing.T) {
	one, _ := mechanismOf(ScramSHA1)
	other, _ := mechanismOf(ScramSHA256)
	a, b, c := one.decoy([]byte("k1"), "alice"), one.decoy([]byte("k2"), "alice"), other.decoy([]byte("k1"), "alice")
	if bytes.Equal(a.Salt, b.Salt) {
		t.Error("the salt does not depend on the key")
	}
	if !bytes.Equal(a.Salt, c.Salt) || len(a.StoredKey) != 20 || len(c.StoredKey) != 32 {
		t.Errorf("not of the shape of an account's: %+v, %+v", a, c)
	}
}

func ecdsaKey(t *testing.T) crypto.Signer {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ed25519Key(t *testing.T) crypto.Signer {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func selfSigned(t *testing.T, key crypto.Signer) tls.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{domain},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
