package pki

import (
	"crypto/x509"
	"strings"
	"testing"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/pkitest"
)

func TestTrustAccept(t *testing.T) {
	root := pkitest.NewCA(t, "Lab CA")
	sub := root.Sub(t, "Lab Sub")
	cb1, cb2 := pkitest.SelfSigned(t, "cb1.meet.example"), root.Leaf(t, "cb2.meet.example")
	renewed := pkitest.NewCA(t, "New CA").Leaf(t, "cb1.new.example", pkitest.Key(cb1.Key))
	oldPin := pkitest.SelfSigned(t, "cb3.meet.example", past)
	pins := must(NewTrust(pkitest.Certs(cb1, cb2, oldPin), nil))(t)
	ca := must(NewTrust(pkitest.Certs(root), nil))(t)
	oldCA := pkitest.NewCA(t, "Old CA", past)
	expiredCA := must(NewTrust(pkitest.Certs(oldCA), nil))(t)
	nodes := []string{"cb1.meet.example", "10.0.0.11"}
	for name, c := range map[string]struct {
		trust *Trust
		peer  []*pkitest.Issued
		how   string
		code  fault.Code
		why   string
	}{
		"pinned":                     {pins, []*pkitest.Issued{cb1}, "its key is in the trust file", "", ""},
		"pinned, issued by a CA":     {pins, []*pkitest.Issued{cb2, root}, "its key is in the trust file", "", ""},
		"pinned key, renewed":        {pins, []*pkitest.Issued{renewed}, "as CN=cb1.meet.example", "", ""},
		"pinned, expired":            {pins, []*pkitest.Issued{oldPin}, "its key is in the trust file", "", ""},
		"stranger":                   {pins, []*pkitest.Issued{pkitest.SelfSigned(t, "cb1.meet.example")}, "", fault.Trust, "neither in the trust file"},
		"pin sent beside a stranger": {pins, []*pkitest.Issued{pkitest.SelfSigned(t, "x.example"), cb1}, "", fault.Trust, "CN=x.example"},
		"sibling of a pinned leaf":   {pins, []*pkitest.Issued{root.Leaf(t, "meet.example"), root}, "", fault.Trust, "neither"},
		"CA, names the domain":       {ca, []*pkitest.Issued{root.Leaf(t, "meet.example")}, "issued by CN=Lab CA, which is in the trust file, and names meet.example", "", ""},
		"CA, names a node":           {ca, []*pkitest.Issued{root.Leaf(t, "cb1.meet.example")}, "names cb1.meet.example", "", ""},
		"CA by an intermediate":      {ca, []*pkitest.Issued{sub.Leaf(t, "meet.example"), sub}, "issued by CN=Lab CA", "", ""},
		"CA, intermediate not sent":  {ca, []*pkitest.Issued{sub.Leaf(t, "meet.example")}, "", fault.Trust, "issuer CN=Lab Sub"},
		"CA, names nobody of ours":   {ca, []*pkitest.Issued{root.Leaf(t, "mail.example")}, "", fault.CertificateName, "names neither meet.example nor a node"},
		"CA, expired":                {ca, []*pkitest.Issued{root.Leaf(t, "meet.example", past)}, "", fault.Expired, "expired on"},
		"CA, not yet valid":          {ca, []*pkitest.Issued{root.Leaf(t, "meet.example", future)}, "", fault.NotYetValid, "not valid before"},
		"CA itself expired":          {expiredCA, []*pkitest.Issued{oldCA.Leaf(t, "meet.example")}, "", fault.Expired, "CN=Old CA"},
		"CA, client usage only":      {ca, []*pkitest.Issued{root.Leaf(t, "meet.example", pkitest.Usage(x509.ExtKeyUsageClientAuth))}, "names meet.example", "", ""},
		"CA, mail usage":             {ca, []*pkitest.Issued{root.Leaf(t, "meet.example", pkitest.Usage(x509.ExtKeyUsageEmailProtection))}, "", fault.Trust, ""},
		"CA of the same name":        {ca, []*pkitest.Issued{pkitest.NewCA(t, "Lab CA").Leaf(t, "meet.example")}, "", fault.Trust, ""},
		"no certificate":             {ca, nil, "", fault.Trust, "sent no certificate"},
	} {
		how, err := c.trust.Accept(pkitest.Certs(c.peer...), "meet.example", nodes, pkitest.Now)
		switch {
		case c.code == "" && (err != nil || !strings.Contains(how, c.how)):
			t.Errorf("%s: %q, %v", name, how, err)
		case c.code != "" && (err == nil || fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.why)):
			t.Errorf("%s: %q, %s %v", name, how, fault.CodeOf(err), err)
		}
	}
}

func TestTrustWithAnnouncedRenewal(t *testing.T) {
	cb1, next := pkitest.SelfSigned(t, "cb1"), pkitest.SelfSigned(t, "cb1")
	narrow := must(NewTrust(pkitest.Certs(cb1), nil))(t)
	wide := narrow.With(next.Cert)
	for _, peer := range []*pkitest.Issued{cb1, next} {
		if _, err := wide.Accept(pkitest.Certs(peer), "", nil, pkitest.Now); err != nil {
			t.Error(err)
		}
	}
	if _, err := narrow.Accept(pkitest.Certs(next), "", nil, pkitest.Now); err == nil {
		t.Error("With changed the trust it was called on")
	}
}

func TestTrustRefusesPublicCA(t *testing.T) {
	public := pkitest.NewCA(t, "World CA")
	between := public.Sub(t, "World Sub")
	deeper := between.Sub(t, "World Sub Sub")
	leaf := between.Leaf(t, "meet.example")
	roots := ParsePublicRoots(append([]byte("# comment\n"), public.PEM()...))
	if roots.Len() != 1 {
		t.Fatalf("%d roots", roots.Len())
	}
	for name, file := range map[string][]*pkitest.Issued{"root": {public}, "intermediate": {between}, "chain": {deeper, between}} {
		_, err := NewTrust(pkitest.Certs(file...), roots)
		if fault.CodeOf(err) != fault.Trust || !strings.Contains(err.Error(), "is a public CA") {
			t.Errorf("%s: %v", name, err)
		}
	}
	trust := must(NewTrust(pkitest.Certs(leaf, between, public), roots))(t)
	if w := trust.Warnings(pkitest.Now); len(w) != 2 || !strings.Contains(w[0], "World Sub is a public CA and is not used") {
		t.Errorf("warnings %q", w)
	}
	if _, err := trust.Accept(pkitest.Certs(leaf, between), "meet.example", nil, pkitest.Now); err != nil {
		t.Errorf("the pinned leaf: %v", err)
	}
	if _, err := trust.Accept(pkitest.Certs(between.Leaf(t, "meet.example"), between), "meet.example", nil, pkitest.Now); fault.CodeOf(err) != fault.Trust {
		t.Errorf("another leaf of the public CA: %v", err)
	}
	if _, err := NewTrust(nil, roots); fault.CodeOf(err) != fault.Trust {
		t.Errorf("an empty file: %v", err)
	}
}
