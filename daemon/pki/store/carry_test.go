package store

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/pkitest"
)

const passphrase = "correct horse"

func attributes(t *testing.T, list ...string) *pki.Attributes {
	t.Helper()
	a, err := pki.ParseAttributes(list)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// files unwraps what a command answers.
func files(t *testing.T) func(got []string, err error) []string {
	return func(got []string, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

func TestRequestKeepsKeyInside(t *testing.T) {
	r := newRig(t)
	got := files(t)(r.Request("xmpp", attributes(t, "CN:meet.example", "key:p256")))
	if diff := cmp.Diff([]string{"xmpp.csr", "xmpp.key"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"xmpp.csr"}, r.exchange()); diff != "" {
		t.Errorf("exchange folder:\n%s", diff)
	}
	key, err := r.Read("xmpp.key")
	if err != nil {
		t.Fatal(err)
	}
	if again := r.scan(); len(again.Changed) > 0 {
		t.Errorf("the request is taken for an upload: %+v", again)
	}
	// A second request is for the same key, so that pins outlive a renewal.
	got = files(t)(r.Request("xmpp", attributes(t, "CN:meet.example", "subjectAltName:cb1.meet.example")))
	if diff := cmp.Diff([]string{"xmpp.csr"}, got); diff != "" {
		t.Error(diff)
	}
	same, err := r.Read("xmpp.key")
	if err != nil || pki.Inspect(same).Fingerprint != pki.Inspect(key).Fingerprint {
		t.Errorf("another key, %v", err)
	}
	_, err = r.Request("xmpp", attributes(t, "CN:meet.example", "key:p384"))
	wantFault(t, err, fault.Exists, "xmpp.key exists and is ECDSA P-256")
	_, err = r.Request("../x", attributes(t, "CN:meet.example"))
	wantFault(t, err, fault.InvalidName, "not a name for a key pair")
	_, err = r.Request("xmpp", attributes(t))
	wantFault(t, err, fault.InvalidArgument, "names nobody")
}

func TestSelfSignedSparesIssuedCertificates(t *testing.T) {
	r := newRig(t)
	got := files(t)(r.SelfSigned("test", attributes(t, "CN:meet.example", "key:ed25519")))
	if diff := cmp.Diff([]string{"test.cer", "test.key"}, got); diff != "" {
		t.Error(diff)
	}
	files(t)(r.SelfSigned("test", attributes(t, "CN:meet.example")))
	leaf := pkitest.NewCA(t, "Lab CA").Leaf(t, "meet.example")
	r.upload("xmpp.cer", leaf.PEM())
	r.scan()
	_, err := r.SelfSigned("xmpp", attributes(t, "CN:meet.example"))
	wantFault(t, err, fault.Exists, "xmpp.cer was issued by a CA")
}

// The walkthrough: a pair made on one node reaches another one sealed.
func TestExportAndImport(t *testing.T) {
	ca := pkitest.NewCA(t, "Lab CA")
	sub := ca.Sub(t, "Lab Sub")
	leaf := sub.Leaf(t, "meet.example")
	one, two := newRig(t), newRig(t)
	one.upload("xmpp.key", leaf.KeyPEM(t))
	_, err := one.Export("xmpp", passphrase)
	wantFault(t, err, fault.NotFound, "no file xmpp.key")
	one.scan()
	_, err = one.Export("xmpp", passphrase)
	wantFault(t, err, fault.NotFound, "no certificate xmpp.cer for xmpp.key")
	one.upload("xmpp.cer", leaf.PEM())
	one.upload("ca.cer", pkitest.Bundle(sub, ca))
	one.scan()
	_, err = one.Export("xmpp", "short")
	wantFault(t, err, fault.InvalidArgument, "too short")
	name, err := one.Export("xmpp", passphrase)
	if err != nil || name != "xmpp.p12" {
		t.Fatal(name, err)
	}
	if again := one.scan(); len(again.Problems)+len(again.Changed) > 0 {
		t.Errorf("the export is taken for an upload: %+v", again)
	}
	one.wantLines("ca.cer ready (bundle)", "xmpp.cer ready (certificate)", "xmpp.key ready (key)", "xmpp.p12 ready (pkcs12)")
	sealed, err := os.ReadFile(one.outside("xmpp.p12"))
	if err != nil {
		t.Fatal(err)
	}

	two.upload("xmpp.p12", sealed[:100])
	two.scan()
	two.wantLines("xmpp.p12 incomplete (pkcs12)")
	two.upload("xmpp.p12", sealed)
	two.scan()
	two.wantLines("xmpp.p12 waiting (pkcs12)")
	if !strings.Contains(two.reason("xmpp.p12"), "it waits for its passphrase; pki import xmpp.p12") {
		t.Errorf("reason %q", two.reason("xmpp.p12"))
	}
	_, _, err = two.Import("xmpp.p12", "wrong pass", two.uses)
	wantFault(t, err, fault.InvalidArgument, "passphrase does not open")
	two.wantLines("xmpp.p12 waiting (pkcs12)")
	got, report, err := two.Import("xmpp.p12", passphrase, two.uses)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"xmpp-ca.cer", "xmpp.cer", "xmpp.key"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, report.Changed); diff != "" {
		t.Error(diff)
	}
	two.holds("xmpp.cer", leaf)
	two.holds("xmpp-ca.cer", sub)
	two.scan()
	two.wantLines("xmpp-ca.cer ready (bundle)", "xmpp.cer ready (certificate)", "xmpp.key ready (key)")
	if diff := cmp.Diff([]string{"xmpp-ca.cer", "xmpp.cer"}, two.exchange()); diff != "" {
		t.Errorf("exchange folder:\n%s", diff)
	}
	if _, err := one.Remove("xmpp.p12", one.uses); err != nil {
		t.Error(err)
	}
	one.wantLines("ca.cer ready (bundle)", "xmpp.cer ready (certificate)", "xmpp.key ready (key)")
}

func TestExportLeavesTheFolder(t *testing.T) {
	r := newRig(t)
	files(t)(r.SelfSigned("xmpp", attributes(t, "CN:meet.example", "key:p256")))
	if _, err := r.Export("xmpp", passphrase); err != nil {
		t.Fatal(err)
	}
	os.Remove(r.outside("xmpp.p12"))
	r.scan()
	r.wantLines("xmpp.cer ready (certificate)", "xmpp.key ready (key)")
	// Somebody else's file of that name is not overwritten.
	r.upload("xmpp.p12", []byte{0x30, 3, 2, 1, 3})
	r.scan()
	_, err := r.Export("xmpp", passphrase)
	wantFault(t, err, fault.Exists, "an uploaded xmpp.p12 lies in the exchange folder")
}

func TestImportRespectsUse(t *testing.T) {
	r := newRig(t)
	old, other := pkitest.SelfSigned(t, "meet.example"), pkitest.SelfSigned(t, "meet.example", pkitest.Valid(pkitest.Now.AddDate(-1, 0, 0), pkitest.Now.AddDate(0, 0, -1)))
	r.upload("xmpp.key", old.KeyPEM(t))
	r.upload("xmpp.cer", old.PEM())
	sealed, err := pki.Seal(&pki.Pair{Key: other.Key, Certificate: other.Cert}, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r.upload("xmpp.pfx", sealed)
	r.scan()
	r.use("xmpp.key", "xmpp.cer", "", "")
	_, _, err = r.Import("xmpp.pfx", passphrase, r.uses)
	wantFault(t, err, fault.Expired, "xmpp.cer, which is in use, is kept")
	r.holds("xmpp.cer", old)
	r.wantLines("xmpp.cer ready (certificate)", "xmpp.key ready (key)", "xmpp.pfx waiting (pkcs12)")
}

// pki import of a plain file says what became of it.
func TestImportOfPlainFiles(t *testing.T) {
	r := newRig(t)
	leaf := pkitest.SelfSigned(t, "meet.example")
	r.upload("a.cer", leaf.PEM())
	r.upload("b.cer", []byte("junk"))
	r.scan()
	got, _, err := r.Import("a.cer", "", r.uses)
	if err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	_, _, err = r.Import("b.cer", "", r.uses)
	wantFault(t, err, fault.InvalidArgument, "b.cer is rejected: the file is neither PEM nor DER")
	_, _, err = r.Import("c.cer", "", r.uses)
	wantFault(t, err, fault.NotFound, "no file c.cer")
	_, _, err = r.Import("c.p12", passphrase, r.uses)
	wantFault(t, err, fault.NotFound, "no file c.p12")
}
