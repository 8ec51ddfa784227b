package node

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/settings"
)

const further = "second.example"

// TestDomains adds a further domain: its certificate by SNI, its users, what is
// told while there is no certificate for it, and its end.
func TestDomains(t *testing.T) {
	r, main := enabled(t)
	shows := func(name string) string {
		t.Helper()
		return string(r.handshakeFor(name).ConnectionState().PeerCertificates[0].Raw)
	}
	r.wantFault("a domain that is none", r.xmpp.DomainAdd(r.ctx, "@"), fault.InvalidArgument, "is not a domain name")
	r.must(r.xmpp.DomainAdd(r.ctx, "Second.Example"))
	r.must(r.xmpp.DomainAdd(r.ctx, further))
	problem := "this node has no certificate that names " + further
	r.until("the missing certificate is told", func() bool {
		f := r.status().Faults
		return len(f) == 1 && f[0].Text == problem && f[0].Code == string(fault.CertificateName)
	})
	r.wantDomains(bus.Domain{Name: further, Problem: problem, Remedy: "xmpp multi_domain add second.example <key> <certificate> [<bundle>]"})
	if shows(further) != string(main.Cert.Raw) {
		t.Error("without a certificate of its own the domain is not shown the main one")
	}
	other := r.uploadFor("second", further)
	entry := settings.DomainCertificate{Domain: further, Key: "second.key", Certificate: "second.cer"}
	r.set(map[string]any{"xmpp.certificates": []string{entry.String()}})
	r.until("the certificate is in use", func() bool { return shows(further) == string(other.Cert.Raw) })
	if shows(domain) != string(main.Cert.Raw) || shows("") != string(main.Cert.Raw) || shows("cb1.second.example") != string(main.Cert.Raw) {
		t.Error("the domain's certificate is shown to others")
	}
	if f := r.status().Faults; len(f) != 0 {
		t.Errorf("faults %+v", f)
	}

	r.must(r.xmpp.UserAdd(r.ctx, "ann@"+further, "secret words"))
	r.must(r.xmpp.UserAdd(r.ctx, "Bob@"+domain, "secret words"))
	r.wantFault("a user elsewhere", r.xmpp.UserAdd(r.ctx, "ann@third.example", "x"), fault.NotFound, "the domain third.example is not served here")
	users, err := r.xmpp.Users(r.ctx)
	if diff := cmp.Diff([]bus.User{{Name: "ann@" + further}, {Name: "bob"}}, users); diff != "" || err != nil {
		t.Errorf("users: %v\n%s", err, diff)
	}
	i, err := r.node.instance(r.ctx)
	r.must(err)
	a := accounts{i.cluster.State}
	for who, want := range map[string]bool{"ann@" + further: true, "ann@" + domain: false, "bob@" + further: false, "bob@" + domain: true} {
		if c, ok := a.Credentials(jid.MustParse(who)); ok != want || (len(c.SHA1.Salt) > 0) != want {
			t.Errorf("%s: %v, want %v, with a salt of %d bytes", who, ok, want, len(c.SHA1.Salt))
		}
	}
	before := a.Decoys()
	r.restart()
	i, err = r.node.instance(r.ctx)
	r.must(err)
	if after := (accounts{i.cluster.State}).Decoys(); len(before) == 0 || !bytes.Equal(before, after) {
		t.Error("a restart gives unknown users another salt")
	}
	r.wantDomains(bus.Domain{Name: further, Key: "second.key", Certificate: "second.cer", Users: 1})

	r.wantFault("a domain in use", r.xmpp.DomainDel(r.ctx, further), fault.WrongState, "has 1 users")
	r.must(r.xmpp.UserDel(r.ctx, "ann@"+further))
	r.must(r.xmpp.DomainDel(r.ctx, further))
	r.wantDomains()
}

func (r *rig) wantDomains(want ...bus.Domain) {
	r.t.Helper()
	got, err := r.xmpp.Domains(r.ctx)
	if diff := cmp.Diff(append([]bus.Domain{}, want...), got); diff != "" || err != nil {
		r.t.Errorf("domains: %v\n%s", err, diff)
	}
}
