package store

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/pkitest"
)

// member is a store whose certificate is shown to the members of a cluster.
func member(t *testing.T, leaf *pkitest.Issued, bundle, trust string) *rig {
	t.Helper()
	r := newRig(t)
	r.upload("xmpp.key", leaf.KeyPEM(t))
	r.upload("xmpp.cer", leaf.PEM())
	r.scan()
	r.use("xmpp.key", "xmpp.cer", bundle, trust)
	r.uses.Services[0].Peers = true
	return r
}

// answer says what the members think of whatever is asked next.
func (r *rig) answer(questions []Question, a Answer) {
	r.t.Helper()
	if len(questions) != 1 {
		r.t.Fatalf("asks %+v", questions)
	}
	r.uses.Answers = Answers{questions[0].Chain: a}
}

var refusal = Answer{Members: true, Refused: fault.Mend(fault.Trust, "cb2 would refuse it", "tell cb2 first")}

// Nothing that the members would see changes before they were asked.
func TestRenewalAsksTheMembers(t *testing.T) {
	old, next := pkitest.SelfSigned(t, "meet.example"), pkitest.SelfSigned(t, "meet.example")
	r := member(t, old, "", "")
	r.upload("xmpp.key", next.KeyPEM(t))
	r.upload("xmpp.cer", next.PEM())
	report := r.scan()
	want := []Question{{Key: "xmpp.key", File: "xmpp.cer", Chain: string(next.PEM())}}
	if diff := cmp.Diff(want, report.Ask); diff != "" || len(report.Problems) != 0 || len(report.Changed) != 0 {
		t.Fatalf("asks (-want +got):\n%s%+v", diff, report)
	}
	r.wantLines("xmpp.cer ready (certificate)", "xmpp.cer waiting (certificate)", "xmpp.key ready (key)", "xmpp.key waiting (key)")

	r.answer(report.Ask, refusal)
	report = r.scan()
	r.holds("xmpp.cer", old)
	if r.reason("xmpp.cer") != "cb2 would refuse it; tell cb2 first" || len(report.Problems) != 2 {
		t.Errorf("refused with %q, told %+v", r.reason("xmpp.cer"), report.Problems)
	}
	r.uses.Answers = nil // they are asked again, and the last answer stays until there is a new one
	report = r.scan()
	if len(report.Ask) != 1 || len(report.Problems) != 0 || r.reason("xmpp.cer") != "cb2 would refuse it; tell cb2 first" {
		t.Errorf("asked again: %+v, %q", report, r.reason("xmpp.cer"))
	}
	r.answer(report.Ask, Answer{Members: true, Note: "cb3 did not answer"})
	report = r.scan()
	r.holds("xmpp.cer", next)
	if len(report.Notes) != 2 || report.Notes[0].Text != "cb3 did not answer" || report.Notes[1].Text != "" {
		t.Errorf("notes %+v", report.Notes)
	}
	r.wantLines("xmpp.cer ready (certificate)", "xmpp.key ready (key)")
}

func TestImportAsksTheMembers(t *testing.T) {
	old, next := pkitest.SelfSigned(t, "meet.example"), pkitest.SelfSigned(t, "meet.example")
	r := member(t, old, "", "")
	data, err := pki.Seal(&pki.Pair{Key: next.Key, Certificate: next.Cert}, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r.upload("xmpp.p12", data)
	r.scan()
	_, report, err := r.Import("xmpp.p12", passphrase, r.uses)
	if !asking(err) {
		t.Fatalf("not asked: %v", err)
	}
	r.answer(report.Ask, refusal)
	_, _, err = r.Import("xmpp.p12", passphrase, r.uses)
	wantFault(t, err, fault.Trust, "cb2 would refuse it")
	r.holds("xmpp.cer", old)
	r.uses.Answers = Answers{string(next.PEM()): {Members: true}}
	if _, _, err = r.Import("xmpp.p12", passphrase, r.uses); err != nil {
		t.Error(err)
	}
	r.holds("xmpp.cer", next)
}

// A bundle changes what is sent, unless it only gains a root.
func TestBundleAsksTheMembers(t *testing.T) {
	root := pkitest.NewCA(t, "Root CA")
	sub := root.Sub(t, "Sub CA")
	again := root.Sub(t, "Sub CA", pkitest.Key(sub.Key))
	r := newRig(t)
	leaf := sub.Leaf(t, "meet.example")
	r.upload("xmpp.key", leaf.KeyPEM(t))
	r.upload("xmpp.cer", leaf.PEM())
	r.upload("ca.cer", sub.PEM())
	r.scan()
	r.use("xmpp.key", "xmpp.cer", "ca.cer", "")
	r.uses.Services[0].Peers = true
	r.upload("ca.cer", pkitest.Bundle(sub, root))
	if report := r.scan(); len(report.Ask) != 0 || len(report.Changed) != 1 {
		t.Errorf("a root more: %+v", report)
	}
	r.upload("ca.cer", again.PEM())
	if report := r.scan(); len(report.Ask) != 1 || report.Ask[0].Chain != string(pkitest.Bundle(leaf, again)) {
		t.Errorf("another intermediate: %+v", report)
	}
}

// One file is the certificate and the trust of every node.
func TestSharedCertificate(t *testing.T) {
	old := pkitest.SelfSigned(t, "meet.example")
	sameKey := pkitest.SelfSigned(t, "meet.example", pkitest.Key(old.Key))
	other := pkitest.SelfSigned(t, "meet.example")
	for name, c := range map[string]struct {
		key  *pkitest.Issued
		cert []byte
		a    Answer
		text string // why it is refused
	}{
		"same key":               {old, sameKey.PEM(), Answer{Members: true}, ""},
		"new key":                {other, other.PEM(), Answer{Members: true}, "without the certificate in use this node would refuse the members that still show it"},
		"new key, refused":       {other, other.PEM(), refusal, "cb2 would refuse it"},
		"new key, no member":     {other, other.PEM(), Answer{}, ""},
		"new key, with the old":  {other, pkitest.Bundle(other, old), Answer{Members: true}, ""},
		"new key, old refreshed": {other, pkitest.Bundle(other, sameKey), Answer{Members: true}, ""},
	} {
		r := member(t, old, "", "xmpp.cer")
		if c.key != old {
			r.upload("xmpp.key", c.key.KeyPEM(t))
		}
		r.upload("xmpp.cer", c.cert)
		r.answer(r.scan().Ask, c.a)
		r.scan()
		if reason := r.reason("xmpp.cer"); (reason == "") != (c.text == "") || !strings.Contains(reason, c.text) {
			t.Errorf("%s: %q, want %q", name, reason, c.text)
		}
		if c.text != "" {
			r.holds("xmpp.cer", old)
		}
		if strings.Contains(c.text, "without") && !strings.Contains(r.reason("xmpp.cer"), "pki csr xmpp keeps it") {
			t.Errorf("%s: no way out in %q", name, r.reason("xmpp.cer"))
		}
	}
}

// The file that holds the old and the new certificate changes nothing that the
// members see, so it comes in unasked: the step before a new key.
func TestBothInOneFile(t *testing.T) {
	old, next := pkitest.SelfSigned(t, "meet.example"), pkitest.SelfSigned(t, "meet.example")
	r := member(t, old, "", "xmpp.cer")
	r.upload("xmpp.cer", pkitest.Bundle(old, next))
	if report := r.scan(); len(report.Ask) != 0 || len(report.Changed) != 1 {
		t.Errorf("%+v", report)
	}
}
