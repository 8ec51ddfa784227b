package pki

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/pkitest"
)

// atCA makes a certificate name where its issuer's is to be had.
func atCA(cert *x509.Certificate) *x509.Certificate {
	c := *cert
	c.IssuingCertificateURL = []string{"http://ca.example/sub.cer"}
	return &c
}

func TestExplain(t *testing.T) {
	root := pkitest.NewCA(t, "Root CA")
	sub := root.Sub(t, "Sub CA", past)
	leaf, other := sub.Leaf(t, "meet.example"), pkitest.NewCA(t, "Other CA")
	in := func(file string) func(*x509.Certificate) string {
		return func(*x509.Certificate) string { return file }
	}
	for name, c := range map[string]struct {
		certs []*x509.Certificate
		file  string
		want  []string
	}{
		"whole": {pkitest.Certs(leaf, sub, root, other), "", []string{
			"1: certificate CN=meet.example, until 2027-11-20, issued by 2",
			"2: intermediate CN=Sub CA, expired on 2026-11-19, issued by 3",
			"3: root CN=Root CA, until 2027-11-20, issued by itself",
			"4: root CN=Other CA, until 2027-11-20, issued by itself",
		}},
		"issuer elsewhere": {pkitest.Certs(leaf), "ca.cer", []string{
			"1: certificate CN=meet.example, until 2027-11-20, issued by CN=Sub CA, which is in ca.cer"}},
		"issuer nowhere": {pkitest.Certs(leaf), "", []string{
			"1: certificate CN=meet.example, until 2027-11-20, issued by CN=Sub CA, which is in no file; your CA has it"}},
		"issuer at an address": {[]*x509.Certificate{atCA(leaf.Cert)}, "", []string{
			"1: certificate CN=meet.example, until 2027-11-20, issued by CN=Sub CA, which is in no file; " +
				"fetch it from http://ca.example/sub.cer and put it into the bundle, intermediates first, root last"}},
		"empty": {},
	} {
		if diff := cmp.Diff(c.want, Explain(c.certs, pkitest.Now, in(c.file))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Verify says which certificate of the chain fails, and why.
func TestVerifyNamesTheCulprit(t *testing.T) {
	root := pkitest.NewCA(t, "Root CA")
	old := root.Sub(t, "Old CA", past)
	sha1 := root.Sub(t, "Weak CA", pkitest.Signature(x509.ECDSAWithSHA1))
	noCA := root.Leaf(t, "no-ca.example")
	for name, c := range map[string]struct {
		leaf   *pkitest.Issued
		bundle []*x509.Certificate
		code   fault.Code
		text   string
	}{
		"intermediate expired": {old.Leaf(t, "a.example"), pkitest.Certs(old, root), fault.Expired, "the intermediate certificate of CN=Old CA expired on"},
		"intermediate weak":    {sha1.Leaf(t, "a.example"), pkitest.Certs(sha1, root), fault.WeakKey, "the intermediate certificate of CN=Weak CA is signed with SHA-1"},
		"not a CA":             {noCA.Leaf(t, "a.example"), pkitest.Certs(noCA, root), fault.Incomplete, "CN=no-ca.example of CN=a.example is in the bundle, but not as a CA certificate"},
		"root missing":         {root.Sub(t, "Sub CA").Leaf(t, "a.example"), pkitest.Certs(root), fault.Incomplete, "the issuer CN=Sub CA of CN=a.example is not in the bundle"},
	} {
		_, err := Verify(pkitest.Certs(c.leaf), c.bundle, nil, pkitest.Now)
		if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := Verify([]*x509.Certificate{atCA(old.Leaf(t, "a.example").Cert)}, pkitest.Certs(root), nil, pkitest.Now)
	if err == nil || !strings.Contains(err.Error(), "fetch it from http://ca.example/sub.cer") {
		t.Errorf("a missing issuer with an address: %v", err)
	}
}
