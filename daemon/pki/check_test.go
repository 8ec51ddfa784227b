package pki

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/pkitest"
)

var past, future = pkitest.Valid(pkitest.Now.AddDate(-2, 0, 0), pkitest.Now.AddDate(0, 0, -1)), pkitest.Valid(pkitest.Now.AddDate(0, 0, 1), pkitest.Now.AddDate(1, 0, 0))

// Every way in which a key pair can not serve has its own words and remedy.
func TestCheckFaults(t *testing.T) {
	root := pkitest.NewCA(t, "Root CA")
	sub := root.Sub(t, "Sub CA")
	good := sub.Leaf(t, "meet.example")
	other := pkitest.NewCA(t, "Other CA")
	twin := root.Sub(t, "Sub CA") // same name, other key
	oldSub, newSub := root.Sub(t, "Old Sub", past), root.Sub(t, "New Sub", future)
	weak := must(rsa.GenerateKey(rand.Reader, 1024))(t)
	material := func(leaf *pkitest.Issued, bundle ...*pkitest.Issued) Material {
		return Material{Key: leaf.Key, Certificate: pkitest.Certs(leaf), Bundle: pkitest.Certs(bundle...), Domain: "meet.example"}
	}
	swapped := material(good, sub, root)
	swapped.Key = other.Key
	noSAN := sub.Leaf(t, "meet.example", pkitest.Names())
	for name, c := range map[string]struct {
		m       Material
		code    fault.Code
		message string
		remedy  string
	}{
		"key of another":       {swapped, fault.KeyMismatch, "private key does not belong to the certificate of CN=meet.example", "pki match"},
		"expired":              {material(sub.Leaf(t, "meet.example", past), sub, root), fault.Expired, "the certificate of CN=meet.example expired on 2026-11-19", "upload a renewed one"},
		"not yet valid":        {material(sub.Leaf(t, "meet.example", future), sub, root), fault.NotYetValid, "not valid before 2026-11-21", "clock"},
		"expired intermediate": {material(oldSub.Leaf(t, "meet.example"), oldSub, root), fault.Expired, "intermediate certificate of CN=Old Sub expired", "renewed"},
		"future intermediate":  {material(newSub.Leaf(t, "meet.example"), newSub, root), fault.NotYetValid, "intermediate certificate of CN=New Sub", "clock"},
		"other domain":         {material(sub.Leaf(t, "cb1.example"), sub, root), fault.CertificateName, "does not name meet.example: it names cb1.example only", "pki csr <name> CN:meet.example"},
		"common name only":     {material(noSAN, sub, root), fault.CertificateName, "common name only, which clients ignore", "pki csr"},
		"weak key":             {material(sub.Leaf(t, "meet.example", pkitest.Key(weak)), sub, root), fault.WeakKey, "RSA key of 1024 bits", "2048"},
		"SHA-1":                {material(sub.Leaf(t, "meet.example", pkitest.Signature(x509.ECDSAWithSHA1)), sub, root), fault.WeakKey, "signed with SHA-1", "SHA-256"},
		"client only":          {material(sub.Leaf(t, "meet.example", pkitest.Usage(x509.ExtKeyUsageClientAuth)), sub, root), fault.InvalidArgument, "not for servers", "web server"},
		"issuer missing":       {material(good, root), fault.Incomplete, "the issuer CN=Sub CA of CN=meet.example is not in the bundle", "intermediates first, root last"},
		"foreign bundle":       {material(good, other), fault.Incomplete, "the issuer CN=Sub CA", "one file"},
		"issuer re-keyed":      {material(good, twin, root), fault.Incomplete, "is in the bundle with another key", "one file"},
		"nothing":              {Material{}, fault.Incomplete, "no certificate", "upload"},
	} {
		v := Check(c.m, pkitest.Now)
		if len(v.Faults) == 0 {
			t.Errorf("%s: no fault", name)
			continue
		}
		f := v.Faults[0]
		if f.Code != c.code || !strings.Contains(f.Message, c.message) || !strings.Contains(f.Remedy, c.remedy) {
			t.Errorf("%s:\n got %s %q; %q\nwant %s …%q…; …%q…", name, f.Code, f.Message, f.Remedy, c.code, c.message, c.remedy)
		}
		if len(v.Faults) > 1 {
			t.Errorf("%s: more than the one fault: %v", name, v.Faults)
		}
	}
}

func TestCheckReportsEveryFault(t *testing.T) {
	leaf := pkitest.SelfSigned(t, "other.example", past)
	v := Check(Material{Key: pkitest.SelfSigned(t, "x").Key, Certificate: pkitest.Certs(leaf), Domain: "meet.example"}, pkitest.Now)
	var codes []fault.Code
	for _, f := range v.Faults {
		codes = append(codes, f.Code)
	}
	if diff := cmp.Diff([]fault.Code{fault.KeyMismatch, fault.Expired, fault.CertificateName}, codes); diff != "" {
		t.Error(diff)
	}
}

func TestCheckPasses(t *testing.T) {
	root := pkitest.NewCA(t, "Root CA")
	sub := root.Sub(t, "Sub CA")
	leaf := sub.Leaf(t, "meet.example")
	wild := sub.Leaf(t, "*.meet.example")
	for name, c := range map[string]struct {
		m    Material
		warn string
	}{
		"whole chain":           {Material{leaf.Key, pkitest.Certs(leaf), pkitest.Certs(sub, root), "meet.example"}, ""},
		"bundle in wrong order": {Material{leaf.Key, pkitest.Certs(leaf), pkitest.Certs(root, sub), "meet.example"}, ""},
		"chain in the file":     {Material{leaf.Key, pkitest.Certs(leaf, sub, root), nil, "meet.example"}, ""},
		"no domain yet":         {Material{leaf.Key, pkitest.Certs(leaf), pkitest.Certs(sub, root), ""}, ""},
		"capitals":              {Material{leaf.Key, pkitest.Certs(leaf), pkitest.Certs(sub, root), "MEET.example"}, ""},
		"wildcard":              {Material{wild.Key, pkitest.Certs(wild), pkitest.Certs(sub, root), "cb1.meet.example"}, ""},
		"without root":          {Material{leaf.Key, pkitest.Certs(leaf), pkitest.Certs(sub), "meet.example"}, "its issuer CN=Root CA is not in the bundle"},
		"without bundle":        {Material{leaf.Key, pkitest.Certs(leaf), nil, "meet.example"}, "there is no bundle"},
	} {
		v := Check(c.m, pkitest.Now)
		if err := v.Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := strings.Join(v.Warnings, "|"); !strings.Contains(got, c.warn) || (got == "") != (c.warn == "") {
			t.Errorf("%s: warnings %q, want %q", name, got, c.warn)
		}
	}
}

func TestVerify(t *testing.T) {
	root, other := pkitest.NewCA(t, "Root CA"), pkitest.NewCA(t, "Other CA")
	sub := root.Sub(t, "Sub CA")
	leaf := sub.Leaf(t, "meet.example")
	path, err := Verify(pkitest.Certs(leaf), pkitest.Certs(root, sub), nil, pkitest.Now)
	if err != nil || len(path) != 3 || path[2] != root.Cert {
		t.Fatalf("path %v, %v", path, err)
	}
	if _, err := Verify(pkitest.Certs(leaf), pkitest.Certs(sub), pkitest.Certs(root), pkitest.Now); err != nil {
		t.Errorf("with the CA apart: %v", err)
	}
	if _, err := Verify(pkitest.Certs(leaf), pkitest.Certs(sub), nil, pkitest.Now); fault.CodeOf(err) != fault.Incomplete {
		t.Errorf("without root: %v", err)
	}
	if _, err := Verify(pkitest.Certs(leaf), pkitest.Certs(sub, root), pkitest.Certs(other), pkitest.Now); fault.CodeOf(err) != fault.Trust {
		t.Errorf("another CA: %v", err)
	}
	self := pkitest.SelfSigned(t, "meet.example")
	if _, err := Verify(pkitest.Certs(self), pkitest.Certs(root), nil, pkitest.Now); fault.CodeOf(err) != fault.Trust {
		t.Errorf("self-signed, by a foreign bundle: %v", err)
	}
	if _, err := Verify(pkitest.Certs(self), pkitest.Certs(self), nil, pkitest.Now); err != nil {
		t.Errorf("self-signed, by itself: %v", err)
	}
	if _, err := Verify(pkitest.Certs(leaf), pkitest.Certs(sub, root), nil, pkitest.Now.AddDate(2, 0, 0)); fault.CodeOf(err) != fault.Expired {
		t.Errorf("later: %v", err)
	}
}

func TestOrder(t *testing.T) {
	root := pkitest.NewCA(t, "Root CA")
	one := root.Sub(t, "Sub 1")
	two := one.Sub(t, "Sub 2")
	leaf, peer := two.Leaf(t, "a.example"), pkitest.SelfSigned(t, "b.example")
	got := Order(pkitest.Certs(root, one, leaf, two, peer, root))
	want := pkitest.Certs(leaf, two, one, root, peer)
	if len(got) != len(want) {
		t.Fatalf("%d certificates, want %d", len(got), len(want))
	}
	if InOrder(pkitest.Certs(root, one)) || !InOrder(got) || !InOrder(nil) {
		t.Error("InOrder is wrong")
	}
	pos := map[string]int{}
	for i, c := range got {
		pos[c.Subject.CommonName] = i
	}
	if !(pos["a.example"] < pos["Sub 2"] && pos["Sub 2"] < pos["Sub 1"] && pos["Sub 1"] < pos["Root CA"]) {
		t.Errorf("order %v", pos)
	}
	sent := HandshakeChain(pkitest.Certs(leaf), pkitest.Certs(root, one, two), pkitest.Now)
	if len(sent) != 3 || sent[0] != leaf.Cert || sent[1] != two.Cert || sent[2] != one.Cert {
		t.Errorf("handshake sends %d certificates", len(sent))
	}
}

// Of two issuers with one key the valid one is taken, as after a CA renewal.
func TestChainPrefersValidIssuer(t *testing.T) {
	root := pkitest.NewCA(t, "Root CA")
	old := root.Sub(t, "Sub CA", past)
	renewed := root.Sub(t, "Sub CA", pkitest.Key(old.Key))
	leaf := old.Leaf(t, "meet.example")
	m := Material{Key: leaf.Key, Certificate: pkitest.Certs(leaf), Bundle: pkitest.Certs(old, renewed, root)}
	if err := Check(m, pkitest.Now).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestSealAndUnseal(t *testing.T) {
	root := pkitest.NewCA(t, "Root CA")
	sub := root.Sub(t, "Sub CA")
	leaf := sub.Leaf(t, "meet.example")
	data := must(Seal(&Pair{leaf.Key, leaf.Cert, pkitest.Certs(sub, root)}, "correct horse"))(t)
	p := must(Unseal(data, "correct horse"))(t)
	if !p.Certificate.Equal(leaf.Cert) || len(p.Chain) != 2 || !p.Chain[0].Equal(sub.Cert) || Match(p.Key, leaf.Cert) != nil {
		t.Errorf("another pair came out: %+v", p)
	}
	for pass, text := range map[string]string{"": "needs its passphrase", "wrong": "does not open"} {
		if _, err := Unseal(data, pass); fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), text) {
			t.Errorf("passphrase %q: %v", pass, err)
		}
	}
	if _, err := Seal(p, "short"); err == nil || !strings.Contains(err.Error(), "too short") {
		t.Errorf("short passphrase: %v", err)
	}
	other := pkitest.SelfSigned(t, "other.example")
	mixed := must(Seal(&Pair{Key: other.Key, Certificate: leaf.Cert}, "correct horse"))(t)
	if _, err := Unseal(mixed, "correct horse"); fault.CodeOf(err) != fault.KeyMismatch {
		t.Errorf("mixed pair: %v", err)
	}
}

// A file that would keep the service busy for hours is refused before any work.
func TestUnsealBoundsIterations(t *testing.T) {
	leaf := pkitest.SelfSigned(t, "meet.example")
	for name, enc := range map[string]*pkcs12.Encoder{"2026": pkcs12.Modern2026, "2023": pkcs12.Modern2023, "3DES": pkcs12.LegacyDES} {
		data := must(enc.WithIterations(5000).Encode(leaf.Key, leaf.Cert, nil, "correct horse"))(t)
		if err := checkIterations(data, 5000); err != nil {
			t.Errorf("%s: 5000 of 5000: %v", name, err)
		}
		if err := checkIterations(data, 4999); fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), "more than 4999 iterations") {
			t.Errorf("%s: 5000 of 4999: %v", name, err)
		}
		if _, err := Unseal(data, "correct horse"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExpiryMarks(t *testing.T) {
	end := pkitest.Now
	for _, c := range []struct {
		before time.Duration
		days   int
		passed bool
	}{
		{61 * day, 0, false}, {60*day + time.Second, 0, false}, {60 * day, 60, true}, {31 * day, 60, true}, {30 * day, 30, true},
		{14 * day, 14, true}, {7 * day, 7, true}, {day, 1, true}, {time.Second, 1, true}, {0, 0, true}, {-day, 0, true},
	} {
		now := end.Add(-c.before)
		days, passed := ExpiryMark(end, now)
		if days != c.days || passed != c.passed {
			t.Errorf("%v before: mark %d %v, want %d %v", c.before, days, passed, c.days, c.passed)
		}
		next, ok := NextMark(end, now)
		if ok != (c.before > 0) {
			t.Errorf("%v before: next mark %v", c.before, ok)
		}
		if ok {
			after, _ := ExpiryMark(end, next)
			if before, was := ExpiryMark(end, next.Add(-time.Second)); after == before && was {
				t.Errorf("%v before: nothing changes at %v", c.before, next)
			}
		}
	}
}
