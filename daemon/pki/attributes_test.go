package pki

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/pkitest"
)

func TestRequestFromAttributes(t *testing.T) {
	a := must(ParseAttributes([]string{
		"CN:meet.example", "OU:Video", "O:Acme, Inc.", "L:Oslo", "ST:Oslo", "C:no", "emailAddress:admin@meet.example",
		"subjectAltName:cb1.meet.example,cb2.meet.example,10.0.0.11,meet.example,bücher.example",
	}))(t)
	for _, algorithm := range []Algorithm{P256, P384, Ed25519, RSA2048} {
		key := must(GenerateKey(algorithm))(t)
		if got := AlgorithmOf(key.Public()); got != algorithm {
			t.Errorf("AlgorithmOf a key made as %s is %s", algorithm, got)
		}
		c := must(Request(key, a))(t)
		r := must(x509.ParseCertificateRequest(c.Request.Raw))(t)
		if diff := cmp.Diff([]string{"meet.example", "cb1.meet.example", "cb2.meet.example", "xn--bcher-kva.example"}, r.DNSNames); diff != "" {
			t.Errorf("%s: names (-want +got):\n%s", algorithm, diff)
		}
		if len(r.IPAddresses) != 1 || r.IPAddresses[0].String() != "10.0.0.11" {
			t.Errorf("%s: addresses %v", algorithm, r.IPAddresses)
		}
		s := r.Subject.String()
		for _, part := range []string{"CN=meet.example", "OU=Video", "O=Acme\\, Inc.", "L=Oslo", "ST=Oslo", "C=NO"} {
			if !strings.Contains(s, part) {
				t.Errorf("%s: subject %s lacks %s", algorithm, s, part)
			}
		}
	}
}

func TestCommonNameInWordsStaysOutOfNames(t *testing.T) {
	a := must(ParseAttributes([]string{"CN:Meeting Server", "subjectAltName:meet.example"}))(t)
	if diff := cmp.Diff([]string{"meet.example"}, a.DNSNames); diff != "" {
		t.Error(diff)
	}
}

func TestParseAttributesRefuses(t *testing.T) {
	for attr, text := range map[string]string{
		"meet.example":                   "is not an attribute",
		"CN:":                            "is not an attribute",
		"XX:y":                           "not an attribute of a certificate request",
		"C:Norway":                       "is not a country",
		"C:1a":                           "is not a country",
		"emailAddress:a b@c":             "not an e-mail address",
		"subjectAltName:a b":             "neither a host name nor an address",
		"subjectAltName:a,,b":            "neither a host name nor an address",
		"subjectAltName:-a.example":      "neither a host name nor an address",
		"emailAddress:admin":             "not an e-mail address",
		"emailAddress:a@b@c":             "not an e-mail address",
		"C:":                             "is not an attribute",
		"O:a\x01b":                       "the value of O is not text",
		"O:" + strings.Repeat("x", 65):   "the value of O is longer than 64 characters",
		"OU:" + strings.Repeat("ü", 65):  "the value of OU is longer than 64 characters",
		"L:" + strings.Repeat("x", 129):  "the value of L is longer than 128 characters",
		"ST:" + strings.Repeat("x", 129): "the value of ST is longer than 128 characters",
		"emailAddress:" + strings.Repeat("x", 254) + "@b": "the value of emailAddress is longer than 255 characters",
		"CN:" + strings.Repeat("x", 65):                   "the value of CN is longer than 64 characters; put a short name there and the long one into subjectAltName",
		"subjectAltName:*.*.meet.example":                 "neither a host name nor an address",
		"subjectAltName:https://meet.example":             "neither a host name nor an address",
	} {
		_, err := ParseAttributes([]string{attr})
		if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", attr, err)
		}
	}
	if _, err := ParseAttributes([]string{"CN:a", "cn:b"}); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Errorf("CN twice: %v", err)
	}
	if _, err := Request(pkitest.SelfSigned(t, "a").Key, &Attributes{}); err == nil || !strings.Contains(err.Error(), "names nobody") {
		t.Errorf("no name: %v", err)
	}
	if _, err := GenerateKey("dsa"); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("key:dsa: %v", err)
	}
}

// Bounds count characters, and a wildcard is a name like another.
func TestAttributesAtTheirBounds(t *testing.T) {
	a := must(ParseAttributes([]string{"CN:*.meet.example", "O:" + strings.Repeat("ü", 64), "L:" + strings.Repeat("x", 128)}))(t)
	if diff := cmp.Diff([]string{"*.meet.example"}, a.DNSNames); diff != "" {
		t.Error(diff)
	}
	must(Request(must(GenerateKey(P256))(t), a))(t)
}

func TestSelfSigned(t *testing.T) {
	a := must(ParseAttributes([]string{"CN:meet.example"}))(t)
	for _, algorithm := range []Algorithm{P256, Ed25519} {
		key := must(GenerateKey(algorithm))(t)
		c := must(SelfSigned(key, a, pkitest.Now))(t)
		v := Check(Material{Key: key, Certificate: c.Certificates, Domain: "meet.example"}, pkitest.Now)
		if v.Err() != nil || len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0], "not for production") {
			t.Errorf("%s: %+v", algorithm, v)
		}
	}
}

func FuzzParseAttributes(f *testing.F) {
	f.Add("CN:meet.example", "subjectAltName:a.example,10.0.0.1")
	f.Add("C:gb", "emailAddress:a@b")
	f.Add("CN:*.meet.example", "OU:\xff")
	key, err := GenerateKey(Ed25519)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		a, err := ParseAttributes([]string{one, two})
		if err != nil {
			return
		}
		c, err := Request(key, a)
		if err != nil {
			if fault.CodeOf(err) == fault.InvalidArgument {
				return
			}
			t.Fatalf("accepted attributes %q %q make no request: %v", one, two, err)
		}
		if diff := cmp.Diff(a.DNSNames, c.Request.DNSNames); diff != "" {
			t.Fatalf("names differ:\n%s", diff)
		}
	})
}
