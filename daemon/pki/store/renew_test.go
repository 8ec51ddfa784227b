package store

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/pkitest"
)

// In use: xmpp.key, xmpp.cer and ca.pem. Each case uploads files, which are all
// taken or all refused, and says so.
func TestRenewalOfWhatIsInUse(t *testing.T) {
	ca := pkitest.NewCA(t, "Lab CA")
	newCA := pkitest.NewCA(t, "New CA")
	leaf := ca.Leaf(t, "meet.example")
	sameKey := ca.Leaf(t, "meet.example", pkitest.Key(leaf.Key))
	otherKey := ca.Leaf(t, "meet.example")
	moved := newCA.Leaf(t, "meet.example", pkitest.Key(leaf.Key))
	past := pkitest.Valid(pkitest.Now.AddDate(-1, 0, 0), pkitest.Now.AddDate(0, 0, -1))
	type files map[string][]byte
	for name, c := range map[string]struct {
		upload files
		cert   *pkitest.Issued // what is stored as xmpp.cer afterwards
		text   string          // why the upload is refused
	}{
		"same key":             {files{"xmpp.cer": sameKey.PEM()}, sameKey, ""},
		"key comes too":        {files{"xmpp.cer": otherKey.PEM(), "xmpp.key": otherKey.KeyPEM(t)}, otherKey, ""},
		"another key":          {files{"xmpp.cer": otherKey.PEM()}, leaf, "does not belong to the certificate of CN=meet.example; xmpp.cer, which is in use, is kept; upload the matching xmpp.key and xmpp.cer"},
		"key alone":            {files{"xmpp.key": otherKey.KeyPEM(t)}, leaf, "does not belong"},
		"expired":              {files{"xmpp.cer": ca.Leaf(t, "meet.example", pkitest.Key(leaf.Key), past).PEM()}, leaf, "expired on"},
		"another CA":           {files{"xmpp.cer": moved.PEM()}, leaf, "the issuer CN=New CA of CN=meet.example is not in the bundle"},
		"another CA, bundle":   {files{"xmpp.cer": moved.PEM(), "ca.pem": newCA.PEM()}, moved, ""},
		"bundle of another CA": {files{"ca.pem": newCA.PEM()}, leaf, "is not in the bundle"},
		"bundle with both CAs": {files{"ca.pem": pkitest.Bundle(ca, newCA)}, leaf, ""},
		"a CA as certificate":  {files{"xmpp.cer": newCA.PEM()}, leaf, "does not belong"},
	} {
		r := newRig(t)
		r.upload("xmpp.key", leaf.KeyPEM(t))
		r.upload("xmpp.cer", leaf.PEM())
		r.upload("ca.pem", ca.PEM())
		r.scan()
		r.use("xmpp.key", "xmpp.cer", "ca.pem", "")
		for file, data := range c.upload {
			r.upload(file, data)
		}
		report := r.scan()
		r.holds("xmpp.cer", c.cert)
		if err := works(r.uses.Services[0], r.view(), pkitest.Now); err != nil {
			t.Errorf("%s: the service no longer works: %v", name, err)
		}
		for file := range c.upload {
			reason := r.reason(file)
			if (reason == "") != (c.text == "") || !strings.Contains(reason, c.text) {
				t.Errorf("%s: %s refused with %q, want %q", name, file, reason, c.text)
			}
		}
		if refused := len(report.Changed) == 0; refused != (c.text != "") {
			t.Errorf("%s: changed %v", name, report.Changed)
		}
	}
}

// A certificate of a new key waits in the exchange folder until the key comes,
// in whatever order, and then both change together.
func TestRenewalInTwoUploads(t *testing.T) {
	old, next := pkitest.SelfSigned(t, "meet.example"), pkitest.SelfSigned(t, "meet.example")
	for _, first := range []string{"xmpp.cer", "xmpp.key"} {
		r := newRig(t)
		r.upload("xmpp.key", old.KeyPEM(t))
		r.upload("xmpp.cer", old.PEM())
		r.scan()
		r.use("xmpp.key", "xmpp.cer", "", "xmpp.cer")
		data := map[string][]byte{"xmpp.cer": next.PEM(), "xmpp.key": next.KeyPEM(t)}
		r.upload(first, data[first])
		r.scan()
		r.holds("xmpp.cer", old)
		delete(data, first)
		for name, d := range data {
			r.upload(name, d)
		}
		report := r.scan()
		if diff := cmp.Diff([]string{"xmpp.cer", "xmpp.key"}, report.Changed); diff != "" {
			t.Errorf("%s first:\n%s", first, diff)
		}
		r.holds("xmpp.cer", next)
		r.wantLines("xmpp.cer ready (certificate)", "xmpp.key ready (key)")
	}
}

func TestRenewalTellsLostNames(t *testing.T) {
	r := newRig(t)
	old := pkitest.SelfSigned(t, "meet.example", pkitest.Names("meet.example", "cb1.meet.example"))
	r.upload("xmpp.cer", old.PEM())
	r.scan()
	r.upload("xmpp.cer", pkitest.SelfSigned(t, "meet.example").PEM())
	report := r.scan()
	if len(report.Notes) != 1 || !report.Notes[0].Renewed || report.Notes[0].Text != "it no longer names cb1.meet.example" {
		t.Errorf("notes %+v", report.Notes)
	}
}

func TestRepairTellsWhatItDid(t *testing.T) {
	root := pkitest.NewCA(t, "Root CA")
	leaf := root.Leaf(t, "meet.example")
	for want, bundle := range map[string][]byte{
		"":                                   pkitest.Bundle(leaf, root),
		"a repeated certificate was dropped": pkitest.Bundle(leaf, root, root),
		"the order was repaired: issuers follow what they issued, the root is last":                                     pkitest.Bundle(root, leaf),
		"a repeated certificate was dropped; the order was repaired: issuers follow what they issued, the root is last": pkitest.Bundle(root, leaf, root),
	} {
		r := newRig(t)
		r.upload("bundle.cer", bundle)
		if report := r.scan(); len(report.Notes) != 1 || report.Notes[0].Text != want {
			t.Errorf("notes %+v, want %q", report.Notes, want)
		}
		r.holds("bundle.cer", leaf)
	}
}

func TestTrustInUseStaysCertificates(t *testing.T) {
	r := newRig(t)
	leaf := pkitest.SelfSigned(t, "cb1.meet.example")
	r.upload("trust.pem", leaf.PEM())
	r.scan()
	r.uses.Trust = []string{"trust.pem"}
	r.upload("trust.pem", leaf.KeyPEM(t))
	r.scan()
	if !strings.Contains(r.reason("trust.pem"), "can not become a key") {
		t.Errorf("reason %q", r.reason("trust.pem"))
	}
	r.holds("trust.pem", leaf)
}

// A trust file that drops somebody comes in, and says whom.
func TestTrustTellsWhomItDrops(t *testing.T) {
	ca := pkitest.NewCA(t, "Lab CA")
	one, two, three := pkitest.SelfSigned(t, "cb1"), pkitest.SelfSigned(t, "cb2"), ca.Leaf(t, "cb3")
	renewed := pkitest.SelfSigned(t, "cb2", pkitest.Key(two.Key))
	r := newRig(t)
	r.upload("trust.pem", pkitest.Bundle(one, two, three))
	r.scan()
	r.uses.Trust = []string{"trust.pem"}
	for _, c := range []struct {
		next []byte
		want string
	}{
		{pkitest.Bundle(one, renewed, ca), ""}, // by its key, and by its CA
		{pkitest.Bundle(two), "it no longer trusts CN=cb1, CN=Lab CA"},
	} {
		r.upload("trust.pem", c.next)
		report := r.scan()
		if len(report.Notes) != 1 || !strings.HasSuffix(report.Notes[0].Text, c.want) || c.want == "" && strings.Contains(report.Notes[0].Text, "trusts") {
			t.Errorf("notes %+v, want %q", report.Notes, c.want)
		}
	}
}

// While the configuration can not be asked nothing that exists is replaced or
// removed, but new files come in.
func TestUnknownUses(t *testing.T) {
	r := newRig(t)
	one, two := pkitest.SelfSigned(t, "one"), pkitest.SelfSigned(t, "two")
	r.upload("a.cer", one.PEM())
	r.scan()
	r.uses.Known = false
	r.upload("a.cer", two.PEM())
	r.upload("b.cer", two.PEM())
	r.scan()
	r.holds("a.cer", one)
	r.holds("b.cer", two)
	if !strings.Contains(r.reason("a.cer"), "configuration service does not answer") {
		t.Errorf("reason %q", r.reason("a.cer"))
	}
	_, err := r.Remove("b.cer", r.uses)
	wantFault(t, err, fault.Unavailable, "not known whether b.cer is in use")
	r.uses.Known = true
	r.scan()
	r.holds("a.cer", two)
}

func TestRemove(t *testing.T) {
	r := newRig(t)
	leaf := pkitest.SelfSigned(t, "meet.example")
	for name, data := range map[string][]byte{"xmpp.key": leaf.KeyPEM(t), "xmpp.cer": leaf.PEM(), "old.cer": leaf.PEM()} {
		r.upload(name, data)
	}
	r.scan()
	r.use("xmpp.key", "xmpp.cer", "", "xmpp.cer")
	for name, keys := range map[string]string{"xmpp.key": "xmpp.key", "xmpp.cer": "cluster.trust, xmpp.certificate"} {
		_, err := r.Remove(name, r.uses)
		wantFault(t, err, fault.InUse, name+" is in use by "+keys)
	}
	report, err := r.Remove("old.cer", r.uses)
	if err != nil || len(report.Changed) != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	r.scan() // the copy in the exchange folder has gone too
	r.wantLines("xmpp.cer ready (certificate)", "xmpp.key ready (key)")
	_, err = r.Remove("old.cer", r.uses)
	wantFault(t, err, fault.NotFound, "no file old.cer")
	_, err = r.Remove("../x", r.uses)
	wantFault(t, err, fault.InvalidName, "not a name")
}
