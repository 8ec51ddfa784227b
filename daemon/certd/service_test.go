package certd

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/pkitest"
)

// The commands of an administrator, in the order of the walkthrough.
func TestWalkthroughOverTheBus(t *testing.T) {
	r := newRig(t)
	ca := pkitest.NewCA(t, "Lab CA")
	made, err := r.certs.CSR(r.ctx, "xmpp", []string{"CN:meet.example", "subjectAltName:cb1.meet.example", "key:p256"})
	if diff := cmp.Diff([]string{"xmpp.csr", "xmpp.key"}, made); diff != "" || err != nil {
		t.Fatalf("%s %v", diff, err)
	}
	if _, err := os.Lstat(filepath.Join(r.exchange, "xmpp.key")); err == nil {
		t.Fatal("the key lies in the exchange folder")
	}
	key, err := r.certs.OpenKey(r.ctx, "xmpp.key")
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	text, err := io.ReadAll(key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := ca.Leaf(t, "meet.example", pkitest.Key(parseKey(t, text)))
	r.upload("xmpp.cer", leaf.PEM())
	r.upload("ca.cer", ca.PEM())
	c := r.find("xmpp.cer", "ready")
	if c.Kind != "certificate" || c.Subject != "CN=meet.example" || c.Issuer != "CN=Lab CA" || c.Names != "meet.example" || c.DaysLeft != 365 || len(c.Fingerprint) != 95 {
		t.Errorf("listed as %+v", c)
	}
	if err := r.certs.Match(r.ctx, "xmpp.key", "xmpp.cer"); err != nil {
		t.Error(err)
	}
	for _, third := range []string{"", "meet.example", "ca.cer"} {
		if err := r.certs.Verify(r.ctx, "xmpp.cer", "ca.cer", third); err != nil {
			t.Errorf("verify with %q: %v", third, err)
		}
	}
	if w, err := r.certs.Check(r.ctx, "xmpp.key", "xmpp.cer", "ca.cer", "meet.example"); err != nil || len(w) != 0 {
		t.Errorf("check: %q, %v", w, err)
	}
	if w, err := r.certs.CheckTrust(r.ctx, "xmpp.cer"); err != nil || len(w) != 0 {
		t.Errorf("trust: %q, %v", w, err)
	}
	pem, err := r.certs.Get(r.ctx, "xmpp.cer")
	if diff := cmp.Diff(string(leaf.PEM()), string(pem)); diff != "" || err != nil {
		t.Errorf("get: %s %v", diff, err)
	}
	const passphrase = "correct horse"
	if file, err := r.certs.Export(r.ctx, "xmpp", passphrase); err != nil || file != "xmpp.p12" {
		t.Errorf("export: %s, %v", file, err)
	}
	sealed, err := os.ReadFile(filepath.Join(r.exchange, "xmpp.p12"))
	if err != nil {
		t.Fatal(err)
	}
	r.upload("copy.p12", sealed)
	if c := r.find("copy.p12", ""); c.State != "waiting" || !strings.Contains(c.Reason, "passphrase") {
		t.Errorf("listed as %+v", c)
	}
	files, err := r.certs.Import(r.ctx, "copy.p12", passphrase)
	if diff := cmp.Diff([]string{"copy-ca.cer", "copy.cer", "copy.key"}, files); diff != "" || err != nil {
		t.Errorf("import: %s %v", diff, err)
	}
	if err := r.certs.Remove(r.ctx, "copy.key"); err != nil {
		t.Error(err)
	}
	log := r.log.String()
	for _, want := range []string{"xmpp.cer was taken into the store", "exported the private key xmpp.key as xmpp.p12", "Remove file="} {
		if !strings.Contains(log, want) {
			t.Errorf("the journal does not say %q:\n%s", want, log)
		}
	}
	if strings.Contains(log, passphrase) || strings.Contains(log, "BEGIN") {
		t.Errorf("the journal has a secret:\n%s", log)
	}
}

// Every refusal reaches the caller as its own fault, whole.
func TestFaultsOverTheBus(t *testing.T) {
	r := newRig(t)
	ca := pkitest.NewCA(t, "Lab CA")
	leaf, other := ca.Leaf(t, "meet.example"), pkitest.SelfSigned(t, "other.example")
	old := ca.Leaf(t, "meet.example", pkitest.Key(leaf.Key), pkitest.Valid(pkitest.Now.AddDate(-1, 0, 0), pkitest.Now.AddDate(0, 0, -1)))
	soon := ca.Leaf(t, "meet.example", pkitest.Key(leaf.Key), pkitest.Valid(pkitest.Now.AddDate(-1, 0, 0), pkitest.Now.AddDate(0, 0, 5)))
	for name, data := range map[string][]byte{"xmpp.key": leaf.KeyPEM(t), "xmpp.cer": leaf.PEM(), "ca.cer": ca.PEM(), "other.key": other.KeyPEM(t),
		"other.cer": other.PEM(), "old.cer": old.PEM(), "soon.cer": soon.PEM(), "world.cer": publicCA(t).PEM(), "junk.cer": []byte("junk")} {
		r.upload(name, data)
	}
	check := func(key, cert, bundle, domain string) error {
		_, err := r.certs.Check(r.ctx, key, cert, bundle, domain)
		return err
	}
	trust := func(file string) error { _, err := r.certs.CheckTrust(r.ctx, file); return err }
	r.wantFault(check("other.key", "xmpp.cer", "ca.cer", "meet.example"), fault.KeyMismatch, "does not belong")
	r.wantFault(check("xmpp.key", "old.cer", "ca.cer", "meet.example"), fault.Expired, "expired on")
	r.wantFault(check("xmpp.key", "xmpp.cer", "ca.cer", "else.example"), fault.CertificateName, "does not name else.example")
	r.wantFault(check("xmpp.key", "xmpp.cer", "other.cer", "meet.example"), fault.Incomplete, "the issuer CN=Lab CA")
	r.wantFault(check("xmpp.cer", "xmpp.cer", "", ""), fault.InvalidArgument, "xmpp.cer holds a certificate, not a private key")
	r.wantFault(check("xmpp.key", "xmpp.key", "", ""), fault.InvalidArgument, "xmpp.key holds a key, not a certificate")
	r.wantFault(check("none.key", "xmpp.cer", "", ""), fault.NotFound, "there is no file none.key")
	r.wantFault(check("xmpp.key", "junk.cer", "", ""), fault.InvalidArgument, "junk.cer is rejected")
	r.wantFault(trust("world.cer"), fault.Trust, "CN=World CA is a public CA")
	r.wantFault(trust("xmpp.key"), fault.InvalidArgument, "not a certificate")
	r.wantFault(r.certs.Match(r.ctx, "other.key", "xmpp.cer"), fault.KeyMismatch, "does not belong")
	r.wantFault(r.certs.Verify(r.ctx, "xmpp.cer", "other.cer", ""), fault.Incomplete, "not in the bundle")
	r.wantFault(r.certs.Verify(r.ctx, "xmpp.cer", "ca.cer", "else.example"), fault.CertificateName, "else.example")
	r.wantFault(r.certs.Verify(r.ctx, "xmpp.cer", "ca.cer", "none.cer"), fault.NotFound, "none.cer")
	_, err := r.certs.Get(r.ctx, "xmpp.key")
	r.wantFault(err, fault.InvalidArgument, "holds a key")
	_, err = r.certs.CSR(r.ctx, "a/b", []string{"CN:meet.example"})
	r.wantFault(err, fault.InvalidName, "not a name")
	_, err = r.certs.CSR(r.ctx, "new", []string{"XX:y"})
	r.wantFault(err, fault.InvalidArgument, "not an attribute")
	_, err = r.certs.Inspect(r.ctx, "none.cer")
	r.wantFault(err, fault.NotFound, "none.cer")
	if c, err := r.certs.Inspect(r.ctx, "old.cer"); err != nil || c.DaysLeft != -1 {
		t.Errorf("inspect: %+v, %v", c, err)
	}
	w, err := r.certs.Check(r.ctx, "other.key", "other.cer", "", "other.example")
	if err != nil || len(w) != 1 || !strings.Contains(w[0], "not for production") {
		t.Errorf("self-signed: %q, %v", w, err)
	}
	w, err = r.certs.Check(r.ctx, "xmpp.key", "soon.cer", "ca.cer", "meet.example")
	if err != nil || len(w) != 1 || w[0] != "soon.cer expires in 5 days" {
		t.Errorf("expiring: %q, %v", w, err)
	}
	if !strings.Contains(r.log.String(), "junk.cer is rejected: the file is neither PEM nor DER") {
		t.Errorf("the journal does not tell of the rejected file:\n%s", r.log)
	}
}

// An upload is noticed and signalled without anybody asking.
func TestUploadIsSignalled(t *testing.T) {
	r := newRig(t)
	changed, err := r.certs.Watch(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	leaf := pkitest.SelfSigned(t, "meet.example")
	r.upload("xmpp.cer.filepart", leaf.PEM())
	if err := os.Rename(filepath.Join(r.exchange, "xmpp.cer.filepart"), filepath.Join(r.exchange, "xmpp.cer")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	case <-r.ctx.Done():
		t.Fatal("nothing was signalled")
	}
	if pem, err := r.certs.Get(r.ctx, "xmpp.cer"); err != nil || string(pem) != string(leaf.PEM()) {
		t.Errorf("%q, %v", pem, err)
	}
	// A reload looks again too, and leaves the service running.
	r.manager.reloads <- struct{}{}
	r.find("xmpp.cer", "ready")
}

func TestFilesInUse(t *testing.T) {
	r := newRig(t)
	old, next := pkitest.SelfSigned(t, "meet.example"), pkitest.SelfSigned(t, "meet.example")
	r.upload("xmpp.key", old.KeyPEM(t))
	r.upload("xmpp.cer", old.PEM())
	r.find("xmpp.cer", "ready")
	r.config.set(t, map[string]any{"xmpp.key": "xmpp.key", "xmpp.certificate": "xmpp.cer", "cluster.trust": "xmpp.cer"})
	for len(r.find("xmpp.cer", "ready").UsedBy) != 2 {
		if r.ctx.Err() != nil {
			t.Fatal("the configuration is not seen")
		}
	}
	r.wantFault(r.certs.Remove(r.ctx, "xmpp.cer"), fault.InUse, "xmpp.cer is in use by cluster.trust, xmpp.certificate")
	r.upload("xmpp.cer", next.PEM())
	if c := r.find("xmpp.cer", "rejected"); !strings.Contains(c.Reason, "does not belong") || len(c.UsedBy) != 0 {
		t.Errorf("the renewal is listed as %+v", c)
	}
	r.upload("xmpp.key", next.KeyPEM(t))
	if c := r.find("xmpp.cer", "ready"); !strings.HasPrefix(c.NotAfter, "2027-11-20T12:00:00Z") {
		t.Errorf("listed as %+v", c)
	}
	if pem, err := r.certs.Get(r.ctx, "xmpp.cer"); err != nil || string(pem) != string(next.PEM()) {
		t.Errorf("the renewal did not come in with its key: %v", err)
	}
	r.config.conn.Close()
	r.wantFault(r.certs.Remove(r.ctx, "xmpp.key"), fault.Unavailable, "not known whether xmpp.key is in use")
}
