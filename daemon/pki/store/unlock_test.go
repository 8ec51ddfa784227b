package store

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
	"testing"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/pkitest"
)

// lock encrypts a key with AES, in the one form the standard library writes.
func lock(t *testing.T, i *pkitest.Issued) []byte {
	t.Helper()
	block, _ := pem.Decode(i.KeyPEM(t))
	//lint:ignore SA1019 the tests of package pki have the other forms
	locked, err := x509.EncryptPEMBlock(zeros{}, "PRIVATE KEY", block.Bytes, []byte(passphrase), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(locked)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func (r *rig) unlock(name, passphrase string) error {
	_, err := r.Unlock(name, passphrase, r.uses)
	return err
}

func TestUnlock(t *testing.T) {
	r := newRig(t)
	leaf := pkitest.SelfSigned(t, "meet.example")
	r.upload("xmpp.key", lock(t, leaf))
	r.scan()
	r.wantLines("xmpp.key waiting (key)")
	if got := r.reason("xmpp.key"); got != "it waits for its passphrase; pki unlock xmpp.key" {
		t.Errorf("reason %q", got)
	}
	wantFault(t, r.unlock("xmpp.key", "wrong horse"), fault.InvalidArgument, "nothing was changed")
	r.wantLines("xmpp.key waiting (key)")
	if err := r.unlock("xmpp.key", passphrase); err != nil {
		t.Fatal(err)
	}
	if c, err := r.Read("xmpp.key"); err != nil || pki.Match(c.Key, leaf.Cert) != nil {
		t.Errorf("another key: %v", err)
	}
	if slices.Contains(r.exchange(), "xmpp.key") {
		t.Error("the upload is still there")
	}
	wantFault(t, r.unlock("xmpp.key", passphrase), fault.WrongState, "is in the store and not locked")
	wantFault(t, r.unlock("none.key", passphrase), fault.NotFound, "no file none.key")
	wantFault(t, r.unlock("../x.key", passphrase), fault.InvalidName, "not a name")
	r.upload("xmpp.cer", leaf.PEM())
	r.scan()
	wantFault(t, r.unlock("xmpp.cer", passphrase), fault.WrongState, "has no passphrase of its own")

	r.upload("other.pem", lock(t, leaf))
	r.scan()
	r.wantLines("other.pem waiting (key)", "xmpp.cer ready (certificate)", "xmpp.key ready (key)")
	if _, err := r.Remove("other.pem", r.uses); err != nil {
		t.Error(err)
	}
	r.upload("xmpp.key", lock(t, leaf)) // the same upload again is known
	r.scan()
	r.wantLines("xmpp.cer ready (certificate)", "xmpp.key ready (key)")
}

// In use, a locked key comes in with the certificate that waits for it, or not.
func TestUnlockOfWhatIsInUse(t *testing.T) {
	old, next := pkitest.SelfSigned(t, "meet.example"), pkitest.SelfSigned(t, "meet.example")
	r := newRig(t)
	r.upload("xmpp.key", old.KeyPEM(t))
	r.upload("xmpp.cer", old.PEM())
	r.scan()
	r.use("xmpp.key", "xmpp.cer", "", "")
	r.upload("xmpp.key", lock(t, next))
	r.scan()
	wantFault(t, r.unlock("xmpp.key", passphrase), fault.KeyMismatch, "they change together")
	r.wantLines("xmpp.cer ready (certificate)", "xmpp.key ready (key)", "xmpp.key waiting (key)")
	r.upload("xmpp.cer", next.PEM())
	r.scan()
	r.holds("xmpp.cer", old)
	if err := r.unlock("xmpp.key", passphrase); err != nil {
		t.Fatal(err)
	}
	r.holds("xmpp.cer", next)
	r.wantLines("xmpp.cer ready (certificate)", "xmpp.key ready (key)")
}

// The members are asked about a renewal that a passphrase opens, too.
func TestUnlockAsksTheMembers(t *testing.T) {
	old, next := pkitest.SelfSigned(t, "meet.example"), pkitest.SelfSigned(t, "meet.example")
	r := member(t, old, "", "")
	r.upload("xmpp.key", lock(t, next))
	r.upload("xmpp.cer", next.PEM())
	r.scan()
	report, err := r.Unlock("xmpp.key", passphrase, r.uses)
	if !asking(err) {
		t.Fatalf("not asked: %v", err)
	}
	r.answer(report.Ask, refusal)
	wantFault(t, r.unlock("xmpp.key", passphrase), fault.Trust, "cb2 would refuse it")
	r.holds("xmpp.cer", old)
	r.uses.Answers = Answers{string(next.PEM()): {Members: true}}
	if err := r.unlock("xmpp.key", passphrase); err != nil {
		t.Error(err)
	}
	r.holds("xmpp.cer", next)
}

func TestUpload(t *testing.T) {
	r := newRig(t)
	leaf := pkitest.SelfSigned(t, "meet.example")
	for name, content := range map[string][]byte{"xmpp.key": leaf.KeyPEM(t), "xmpp.cer": leaf.PEM(), "bad.cer": []byte("junk")} {
		if err := r.Upload(name, content); err != nil {
			t.Error(err)
		}
	}
	r.scan()
	r.wantLines("bad.cer rejected (certificate)", "xmpp.cer ready (certificate)", "xmpp.key ready (key)")
	if slices.Contains(r.exchange(), "xmpp.key") {
		t.Error("the key lies in the exchange folder")
	}
	r.use("xmpp.key", "xmpp.cer", "", "")
	if err := r.Upload("xmpp.key", pkitest.SelfSigned(t, "meet.example").KeyPEM(t)); err != nil {
		t.Error(err)
	}
	r.scan()
	if f, err := r.Uploaded("xmpp.key"); err != nil || f.State != Rejected {
		t.Errorf("another key for what is in use: %+v, %v", f, err)
	}
	if f, err := r.Uploaded("xmpp.cer"); err != nil || f.State != Ready {
		t.Errorf("%+v, %v", f, err)
	}
	for name, content := range map[string][]byte{"../x.cer": leaf.PEM(), "a/b.cer": leaf.PEM(), "x.cer": nil, "y.cer": make([]byte, 1<<20+1), "x.txt": leaf.PEM()} {
		if err := r.Upload(name, content); err == nil {
			t.Errorf("%s with %d bytes was accepted", name, len(content))
		}
	}
}
