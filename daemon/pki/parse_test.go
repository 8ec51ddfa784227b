package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
	"testing"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/pkitest"
)

// rsaKey is made once: it is slow.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func block(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestParseKinds(t *testing.T) {
	ca := pkitest.NewCA(t, "Lab CA")
	leaf := ca.Leaf(t, "meet.example")
	a := must(ParseAttributes([]string{"CN:meet.example"}))(t)
	csr := must(Request(leaf.Key, a))(t)
	ec := leaf.Key.(*ecdsa.PrivateKey)
	p12 := must(Seal(&Pair{Key: leaf.Key, Certificate: leaf.Cert}, "correct horse"))(t)
	for name, c := range map[string]struct {
		file string
		data []byte
		want Kind
	}{
		"PKCS#8 key":        {"a.key", leaf.KeyPEM(t), KindKey},
		"PKCS#8 DER key":    {"a.der", must(x509.MarshalPKCS8PrivateKey(leaf.Key))(t), KindKey},
		"PKCS#1 key":        {"a.pem", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey())), KindKey},
		"PKCS#1 DER key":    {"a.key", x509.MarshalPKCS1PrivateKey(rsaKey()), KindKey},
		"SEC 1 key":         {"a.key", block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec))(t)), KindKey},
		"SEC 1 DER key":     {"a.key", must(x509.MarshalECPrivateKey(ec))(t), KindKey},
		"openssl ecparam":   {"a.key", append(block("EC PARAMETERS", []byte{6, 1, 1}), block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec))(t))...), KindKey},
		"request":           {"a.csr", block("CERTIFICATE REQUEST", csr.Request.Raw), KindRequest},
		"request of IIS":    {"a.csr", block("NEW CERTIFICATE REQUEST", csr.Request.Raw), KindRequest},
		"request DER":       {"a.csr", csr.Request.Raw, KindRequest},
		"certificate":       {"a.cer", leaf.PEM(), KindCertificate},
		"certificate DER":   {"a.der", leaf.Cert.Raw, KindCertificate},
		"with text and BOM": {"a.crt", []byte("\xef\xbb\xbfsubject=CN = meet.example\n" + string(leaf.PEM()) + "\nthe end"), KindCertificate},
		"no final newline":  {"a.crt", bytes.TrimSpace(leaf.PEM()), KindCertificate},
		"CRLF":              {"a.crt", bytes.ReplaceAll(leaf.PEM(), []byte("\n"), []byte("\r\n")), KindCertificate},
		"bundle":            {"a.pem", pkitest.Bundle(leaf, ca), KindBundle},
		"PKCS#12":           {"a.p12", p12, KindPKCS12},
	} {
		got, err := ParseFile(c.file, c.data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got.Kind != c.want {
			t.Errorf("%s: kind %s, want %s", name, got.Kind, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	ca := pkitest.NewCA(t, "Lab CA")
	leaf := ca.Leaf(t, "meet.example")
	weak := must(rsa.GenerateKey(rand.Reader, 1024))(t)
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))(t)
	p521 := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))(t)
	key, cert := leaf.KeyPEM(t), leaf.PEM()
	damagedCert := append([]byte(nil), cert...)
	damagedCert[bytes.IndexByte(damagedCert, '\n')+5] = '*'
	p12 := must(Seal(&Pair{Key: leaf.Key, Certificate: leaf.Cert}, "correct horse"))(t)
	for name, c := range map[string]struct {
		file string
		data []byte
		code fault.Code
		text string
	}{
		"empty":                 {"a.cer", nil, fault.Incomplete, "is empty"},
		"blank":                 {"a.cer", []byte("\n \n"), fault.Incomplete, "is empty"},
		"first bytes":           {"a.cer", []byte("-----BEG"), fault.Incomplete, "middle of a PEM block"},
		"first bytes of second": {"a.cer", append(append([]byte(nil), cert...), "-----BEGI"...), fault.Incomplete, "middle of a PEM block"},
		"half":                  {"a.cer", cert[:len(cert)/2], fault.Incomplete, "middle of a PEM block"},
		"half of DER":           {"a.der", leaf.Cert.Raw[:100], fault.Incomplete, "has 100 of"},
		"one byte of DER":       {"a.der", leaf.Cert.Raw[:1], fault.Incomplete, "has 1 of"},
		"three bytes of DER":    {"a.der", leaf.Cert.Raw[:3], fault.Incomplete, "has 3 of"},
		"half of PKCS#12":       {"a.p12", p12[:len(p12)/2], fault.Incomplete, "of"},
		"bytes behind DER":      {"a.der", append(leaf.Cert.Raw[:len(leaf.Cert.Raw):len(leaf.Cert.Raw)], 0), fault.InvalidArgument, "1 bytes behind its end"},
		"indefinite length":     {"a.p12", []byte{0x30, 0x80, 2, 1, 3, 0, 0}, fault.InvalidArgument, "no definite length"},
		"garbage":               {"a.cer", []byte("hello"), fault.InvalidArgument, "neither PEM nor DER"},
		"garbage in DER":        {"a.der", []byte{0x30, 3, 0x30, 1, 0}, fault.InvalidArgument, "can not be read"},
		"damaged":               {"a.cer", damagedCert, fault.InvalidArgument, "damaged"},
		"damaged before good":   {"a.cer", append(damagedCert, cert...), fault.InvalidArgument, "damaged"},
		"too large":             {"a.cer", make([]byte, MaxFile+1), fault.InvalidArgument, "larger than"},
		"key with certificate":  {"a.pem", append(append([]byte(nil), key...), cert...), fault.InvalidArgument, "together with certificates"},
		"two keys":              {"a.key", append(append([]byte(nil), key...), key...), fault.InvalidArgument, "more than one private key"},
		"public key":            {"a.key", block("PUBLIC KEY", leaf.Cert.RawSubjectPublicKeyInfo), fault.InvalidArgument, "neither a key"},
		"PKCS#7":                {"a.cer", block("PKCS7", []byte{0x30, 0}), fault.InvalidArgument, "PKCS#7"},
		"locked, cut":           {"a.key", block("ENCRYPTED PRIVATE KEY", []byte{0x30, 0}), fault.InvalidArgument, "encrypted private key can not be read"},
		"locked by openssl, cut": {"a.key", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte{0x30, 0},
			Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}}), fault.InvalidArgument, "damaged"},
		"RSA 1024":         {"a.key", x509.MarshalPKCS1PrivateKey(weak), fault.WeakKey, "RSA key of 1024 bits"},
		"P-224":            {"a.key", must(x509.MarshalECPrivateKey(p224))(t), fault.WeakKey, "ECDSA key of 224 bits"},
		"P-521":            {"a.key", must(x509.MarshalECPrivateKey(p521))(t), fault.WeakKey, "P-521"},
		"RSA 1024 in leaf": {"a.cer", ca.Leaf(t, "old.example", pkitest.Key(weak)).PEM(), fault.WeakKey, "CN=old.example holds a key"},
		"key named .cer":   {"a.cer", key, fault.InvalidName, "ending .cer"},
		"cert named .key":  {"a.key", cert, fault.InvalidName, "ending .key"},
		"cert named .p12":  {"a.p12", cert, fault.InvalidName, "ending .p12"},
		"bad name":         {"a b.cer", cert, fault.InvalidName, "not a name"},
	} {
		got, err := ParseFile(c.file, c.data)
		if fault.CodeOf(err) != c.code || err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %+v, %s %v; want %s …%s…", name, got, fault.CodeOf(err), err, c.code, c.text)
		}
	}
}

// A CA's key is chosen by others, so P-521 is taken there.
func TestParseTakesStrongCA(t *testing.T) {
	p521 := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))(t)
	if _, err := Parse(pkitest.NewCA(t, "Strong CA", pkitest.Key(p521)).PEM()); err != nil {
		t.Fatal(err)
	}
}

// Every cut of a file is incomplete, whatever the cut.
func TestParseEveryCut(t *testing.T) {
	leaf := pkitest.SelfSigned(t, "meet.example")
	for name, data := range map[string][]byte{"PEM": bytes.TrimSpace(leaf.PEM()), "DER": leaf.Cert.Raw, "key": bytes.TrimSpace(leaf.KeyPEM(t))} {
		for i := range data {
			if _, err := Parse(data[:i]); fault.CodeOf(err) != fault.Incomplete {
				t.Fatalf("%s cut to %d of %d bytes: %v", name, i, len(data), err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	ca := pkitest.NewCA(f, "Lab CA")
	leaf := ca.Leaf(f, "meet.example")
	f.Add(leaf.PEM())
	f.Add(leaf.KeyPEM(f))
	f.Add(leaf.Cert.Raw)
	f.Add(pkitest.Bundle(leaf, ca))
	f.Add(append(leaf.PEM(), "-----BEGIN "...))
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			if fault.CodeOf(err) == fault.Internal {
				t.Fatalf("a refusal without a class: %v", err)
			}
			return
		}
		// What was taken in must be stored and read back as the same.
		out, err := c.PEM()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out)
		if err != nil || again.Kind != c.Kind || Inspect(again).Fingerprint != Inspect(c).Fingerprint || len(again.Certificates) != len(c.Certificates) {
			t.Fatalf("stored %s comes back as %+v, %v", c.Kind, again, err)
		}
		if !InOrder(Order(c.Certificates)) {
			t.Fatal("Order is not stable")
		}
	})
}

func FuzzUnseal(f *testing.F) {
	leaf := pkitest.SelfSigned(f, "meet.example")
	data, err := Seal(&Pair{Key: leaf.Key, Certificate: leaf.Cert}, "correct horse")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := Unseal(data, "correct horse"); err == nil && Match(p.Key, p.Certificate) != nil {
			t.Fatal("a pair that does not match")
		}
	})
}
