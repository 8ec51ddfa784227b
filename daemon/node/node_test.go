package node

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/cluster"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/journal"
)

// The two switches: the service opens and closes its ports, and the cluster
// port does not mind.
func TestEnableDisable(t *testing.T) {
	r, _ := enabled(t)
	r.wantPorts("enabled,", true, true, false)
	if s := r.status(); !s.Enabled || !s.Running || s.Domain != domain || s.State != cluster.StateStandalone || len(s.Faults) > 0 {
		t.Errorf("enabled: %+v", s)
	}
	got := r.set(map[string]any{"xmpp.max_depth": 32})
	want := []bus.Step{{Name: "listening", OK: true, Text: "listening on " + r.addr + ", clients on port 5222 and components on port 5223"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	r.set(map[string]any{"cluster.trust": "xmpp.cer"})
	r.must(r.xmpp.ClusterEnable(r.ctx))
	r.wantPorts("not joined,", false, false, true)
	r.must(r.xmpp.ClusterInitialize(r.ctx))
	r.wantPorts("a member,", true, true, true)

	r.set(map[string]any{"xmpp.enabled": false})
	r.wantPorts("disabled,", false, false, true)
	if s := r.status(); s.Enabled || s.Running || s.State != cluster.StateLeader {
		t.Errorf("disabled: %+v", s)
	}
	r.set(map[string]any{"xmpp.enabled": true})
	r.wantPorts("enabled again,", true, true, true)
	r.must(r.xmpp.ClusterDisable(r.ctx))
	r.wantPorts("standalone again,", true, true, false)
	if s := r.status(); s.Domain != domain || s.State != cluster.StateStandalone {
		t.Errorf("standalone again: %+v", s)
	}
	for _, id := range []journal.MessageID{journal.ServiceEnabled, journal.ServiceDisabled, journal.LeaderElected, journal.NodeJoined, journal.NodeLeft} {
		if !strings.Contains(r.log.String(), string(id)) {
			t.Errorf("the journal has no event %s", id)
		}
	}
}

func TestPreflight(t *testing.T) {
	r := newRig(t, "")
	want := func(when string, steps ...bus.Step) {
		t.Helper()
		got, err := r.xmpp.Preflight(r.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(steps, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	noDomain := bus.Step{Name: "domain", Code: "WrongState", Text: "no domain is set", Remedy: "xmpp domain <domain>"}
	aDomain := bus.Step{Name: "domain", OK: true, Text: "Domain is " + domain}
	nowhere := bus.Step{Name: "listening", Code: "WrongState", Text: "no interface to listen on is set", Remedy: "xmpp listen a"}
	want("with nothing", noDomain,
		bus.Step{Name: "certificate", Code: "WrongState", Text: "no key and certificate are set", Remedy: "xmpp certs <key> <certificate> [<bundle>]"}, nowhere)

	r.wantFault("a bad domain", r.xmpp.SetDomain(r.ctx, "not a domain"), fault.InvalidArgument, "is not a domain name")
	r.must(r.xmpp.SetDomain(r.ctx, "MEET.example"))
	r.upload("xmpp")
	r.upload("other")
	r.set(map[string]any{"xmpp.key": "other.key", "xmpp.certificate": "xmpp.cer"})
	steps, err := r.xmpp.Preflight(r.ctx)
	if err != nil || len(steps) != 4 || steps[1].OK || steps[1].Name != "key pair" || steps[1].Remedy == "" || steps[2].OK {
		t.Errorf("with another key: %+v, %v", steps, err)
	}
	good := []bus.Step{{Name: "key pair", OK: true, Text: "Key and certificate pair match"},
		{Name: "validity", OK: true, Text: "Certificate is valid and names the domain"}}
	r.set(map[string]any{"xmpp.key": "xmpp.key"})
	want("with a certificate", aDomain, good[0], good[1], nowhere)
	r.set(map[string]any{"xmpp.listen": []string{r.addr}})
	want("with all", aDomain, good[0], good[1],
		bus.Step{Name: "listening", OK: true, Text: "Interface " + r.addr + " has address " + r.addr})
	r.set(map[string]any{"xmpp.listen": []string{"d"}, "network.interfaces": []string{"d=02:00:00:00:00:99"}})
	want("with a card that is not there", aDomain, good[0], good[1],
		bus.Step{Name: "listening", Code: "NotFound", Text: "interface d: there is no network card 02:00:00:00:00:99",
			Remedy: "config show network.interfaces, and bind the letter to a card that is there"})

	r.must(r.xmpp.SetDomain(r.ctx, "far.example"))
	steps, err = r.xmpp.Preflight(r.ctx)
	if err != nil || steps[2].OK || !strings.Contains(steps[2].Text, "far.example") {
		t.Errorf("with another domain: %+v, %v", steps, err)
	}
}

// The files fill an empty store; later they may differ, which is only told.
func TestSeedAndDrift(t *testing.T) {
	const toml = "[xmpp]\ndomain = \"meet.example\"\n[[xmpp.callbridge]]\nname = \"cb1\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAA\"\n"
	r := newRig(t, toml)
	bridges := func() (names string) {
		t.Helper()
		list, err := r.xmpp.CallBridges(r.ctx)
		r.must(err)
		for _, b := range list {
			names += b.Name + "=" + b.Secret + " "
		}
		return names
	}
	if s := r.status(); s.Domain != domain || len(s.Faults) > 0 {
		t.Errorf("seeded: %+v", s)
	}
	if got := bridges(); got != "cb1=AAAAAAAAAAAAAAAAAAAAAAAA " {
		t.Errorf("seeded: %s", got)
	}
	r.edit(strings.NewReplacer("meet.example", "far.example", "AAAA", "BBBB").Replace(toml) + "[[xmpp.callbridge]]\nname = \"cb2\"\nsecret = \"CCCCCCCCCCCCCCCCCCCCCCCC\"\n")
	r.reload()
	r.reload()
	want := []bus.Fault{{Code: "Drift", Text: "xmpp.domain is far.example in the files and meet.example in use; " +
		"call bridge cb1 has another secret in the files; call bridge cb2 is in the files only",
		Remedy: "change the files, or set the value in use with its command"}}
	if diff := cmp.Diff(want, r.status().Faults); diff != "" {
		t.Errorf("drift (-want +got):\n%s", diff)
	}
	if got := bridges(); got != "cb1=AAAAAAAAAAAAAAAAAAAAAAAA " || r.status().Domain != domain {
		t.Errorf("the store followed the files: %s", got)
	}
	if n := strings.Count(r.log.String(), string(journal.ConfigDrift)); n != 1 {
		t.Errorf("drift is journaled %d times", n)
	}
	if text := r.log.String(); strings.Contains(text, "AAAAAAAA") || strings.Contains(text, "BBBB") {
		t.Error("the journal tells secrets")
	}
	r.edit(toml)
	r.reload()
	if f := r.status().Faults; len(f) > 0 {
		t.Errorf("after it was mended: %+v", f)
	}
}

// A member's store is empty for a moment at each start: no reason to fill it.
func TestMemberIsNotSeeded(t *testing.T) {
	r := newRig(t, "[xmpp]\ndomain = \"meet.example\"\n[[xmpp.callbridge]]\nname = \"cb1\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAA\"\n")
	r.upload("xmpp")
	r.set(map[string]any{"xmpp.listen": []string{r.addr}, "xmpp.key": "xmpp.key", "xmpp.certificate": "xmpp.cer", "cluster.trust": "xmpp.cer"})
	r.must(r.xmpp.ClusterEnable(r.ctx))
	r.must(r.xmpp.ClusterInitialize(r.ctx))
	r.must(r.xmpp.CallBridgeDel(r.ctx, "cb1"))
	r.restart()
	r.until("it leads again", func() bool { return r.status().State == cluster.StateLeader })
	r.set(map[string]any{"xmpp.max_depth": 32})
	if list, err := r.xmpp.CallBridges(r.ctx); err != nil || len(list) > 0 {
		t.Errorf("what was deleted is back: %v, %v", list, err)
	}
	if s := r.status(); s.Domain != domain || len(s.Faults) != 1 || s.Faults[0].Text != "call bridge cb1 is in the files only" {
		t.Errorf("after the restart: %+v", s)
	}
}

// A renewed certificate is in use for the next handshake and drops no stream.
func TestRenewal(t *testing.T) {
	r, first := enabled(t)
	old := r.handshake()
	if got := old.ConnectionState().PeerCertificates[0]; !got.Equal(first.Cert) {
		t.Fatal("another certificate is shown")
	}
	renewed := r.upload("xmpp")
	r.until("the renewed certificate is shown", func() bool { return r.shown() == string(renewed.Cert.Raw) })
	if _, err := old.Write([]byte("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='cb1.meet.example'>")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := old.Read(b)
	if err != nil || !bytes.Contains(b[:n], []byte("<stream:stream")) {
		t.Errorf("the stream from before is answered with %q, %v", b[:n], err)
	}
}

// A mistyped name is told and changes nothing.
func TestBadCertificateName(t *testing.T) {
	r, first := enabled(t)
	steps := r.set(map[string]any{"xmpp.certificate": "typo.cer", "cluster.trust": "typo.cer"})
	var faults []string
	for _, s := range steps {
		if !s.OK {
			faults = append(faults, s.Name)
			if !strings.Contains(s.Text, "typo.cer") {
				t.Errorf("the fault says %q", s.Text)
			}
		}
	}
	if diff := cmp.Diff([]string{"NotFound", "NotFound"}, faults); diff != "" { // of the certificate, and of the trust
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if r.shown() != string(first.Cert.Raw) {
		t.Error("another certificate is shown")
	}
	r.wantPorts("with a mistyped name,", true, true, false)
	r.set(map[string]any{"xmpp.certificate": "xmpp.cer", "cluster.trust": ""})
	if f := r.status().Faults; len(f) > 0 {
		t.Errorf("after it was mended: %+v", f)
	}
	r.set(map[string]any{"xmpp.key": "", "xmpp.certificate": ""})
	r.wantPorts("without a certificate,", false, false, false)
}

// What is not there yet at the start, is taken into use when it is.
func TestCertificatesComeLate(t *testing.T) {
	r := prepare(t, "", alone)
	r.edit("[xmpp]\nenabled = true\ndomain = \"meet.example\"\nlisten = [\"" + r.addr + "\"]\nkey = \"xmpp.key\"\ncertificate = \"xmpp.cer\"\n")
	if _, err := r.conf.Reload(r.ctx); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.wantPorts("without certificates,", false, false, false)
	if f := r.status().Faults; len(f) != 1 || f[0].Code != string(fault.Unavailable) {
		t.Errorf("faults %+v", f)
	}
	r.startCertd()
	r.upload("xmpp")
	r.until("the ports are open", func() bool { return r.status().Running })
	r.wantPorts("with certificates,", true, true, false)
	if f := r.status().Faults; len(f) > 0 {
		t.Errorf("faults %+v", f)
	}
}

// An instance that can not be opened is tried again.
func TestInstanceComesBack(t *testing.T) {
	r := newRig(t, "")
	key := filepath.Join(r.dir, "xmpp", "node.key")
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.wantFault("with a damaged key", r.xmpp.ClusterEnable(r.ctx), fault.Internal, "reading node key")
	if err := os.WriteFile(key, good, 0o600); err != nil {
		t.Fatal(err)
	}
	r.until("the node is back", func() bool {
		s, err := r.xmpp.ClusterStatus(r.ctx)
		return err == nil && s.State == cluster.StateNotJoined
	})
	r.until("the fault is gone", func() bool { return len(r.status().Faults) == 0 })
}

func TestUsers(t *testing.T) {
	r := newRig(t, "[xmpp]\ndomain = \"meet.example\"\n")
	r.must(r.xmpp.UserAdd(r.ctx, "Ann", "secret words"))
	r.wantFault("twice", r.xmpp.UserAdd(r.ctx, "ann", "x"), fault.Exists, "the user ann exists")
	r.wantFault("a bad name", r.xmpp.UserAdd(r.ctx, "a b", "x"), fault.InvalidName, "can not be a user name")
	r.wantFault("a domain elsewhere", r.xmpp.UserAdd(r.ctx, "a@b", "x"), fault.NotFound, "the domain b is not served here")
	r.wantFault("no password", r.xmpp.UserAdd(r.ctx, "bob", ""), fault.InvalidArgument, "the password can not be used")
	r.wantFault("another's password", r.xmpp.UserPasswd(r.ctx, "bob", "x"), fault.NotFound, "there is no user bob")
	r.must(r.xmpp.UserPasswd(r.ctx, "ANN", "other words"))
	users, err := r.xmpp.Users(r.ctx)
	if diff := cmp.Diff([]bus.User{{Name: "ann"}}, users); diff != "" || err != nil {
		t.Errorf("users (-want +got):\n%s %v", diff, err)
	}
	i, err := r.node.instance(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	a := accounts{i.cluster.State}
	known, ok := a.Credentials(jid.MustParse("ann@" + domain))
	if !ok || known.SHA256.Iterations == 0 || a.Domain() != domain {
		t.Errorf("credentials %+v, %v", known, ok)
	}
	if _, ok := a.Credentials(jid.MustParse("ann@elsewhere.example")); ok {
		t.Error("another domain's user has credentials")
	}
	if _, ok := a.Credentials(jid.MustParse("bob@" + domain)); ok {
		t.Error("a user nobody added has credentials")
	}
	r.must(r.xmpp.UserDel(r.ctx, "Ann"))
	r.wantFault("deleting twice", r.xmpp.UserDel(r.ctx, "ann"), fault.NotFound, "there is no user")
}

func TestClusterRefusals(t *testing.T) {
	r := newRig(t, "")
	for what, c := range map[string]struct {
		err  error
		code fault.Code
		text string
	}{
		"initialize without trust": {r.xmpp.ClusterInitialize(r.ctx), fault.WrongState, "no cluster trust is set; xmpp cluster trust"},
		"join without trust":       {r.xmpp.ClusterJoin(r.ctx, "127.0.94.200"), fault.WrongState, "no cluster trust is set; xmpp cluster trust"},
		"remove":                   {r.xmpp.ClusterRemove(r.ctx, ""), fault.WrongState, "not a member"},
		"recover":                  {second(r.xmpp.ClusterRecover(r.ctx, true)), fault.WrongState, "not a member"},
	} {
		r.wantFault(what, c.err, c.code, c.text)
	}
	r.must(r.xmpp.ClusterDisable(r.ctx))
	r.upload("xmpp")
	r.set(map[string]any{"xmpp.listen": []string{r.addr}, "xmpp.key": "xmpp.key", "xmpp.certificate": "xmpp.cer", "cluster.trust": "xmpp.cer"})
	r.wantFault("join before enable", r.xmpp.ClusterJoin(r.ctx, "127.0.94.200"), fault.WrongState, "clustering is not enabled")
	r.must(r.xmpp.ClusterEnable(r.ctx))
	r.must(r.xmpp.ClusterEnable(r.ctx))
	r.wantFault("join nobody", r.xmpp.ClusterJoin(r.ctx, "127.0.94.200"), fault.TCP, "does not answer")
	if !strings.Contains(r.log.String(), string(journal.JoinRefused)) {
		t.Error("the journal does not tell of the join that was refused")
	}
	before := r.status()
	r.must(r.xmpp.Reset(r.ctx, true))
	if s := r.status(); before.State != cluster.StateNotJoined || s.State != cluster.StateStandalone || s.Clustered {
		t.Errorf("before the reset %+v, after it %+v", before, s)
	}
}

func second[T any](_ T, err error) error { return err }

// Applied waits for its generation and no longer than it is asked to.
func TestAppliedWaits(t *testing.T) {
	n := New(Config{Log: quiet}, nil)
	n.finish(3, nil, []bus.Fault{{Code: "TCP", Text: "a"}}, []bus.Step{{Name: "listening", OK: true}})
	got, err := n.Applied(t.Context(), 3)
	want := []bus.Step{{Name: "listening", OK: true}, {Name: "TCP", Code: "TCP", Text: "a"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("steps (-want +got):\n%s %v", diff, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := n.Applied(ctx, 4); err != context.DeadlineExceeded {
		t.Errorf("for what never comes: %v", err)
	}
	done := make(chan error, 1)
	go func() { _, err := n.Applied(t.Context(), 5); done <- err }()
	n.finish(4, []netip.Addr{}, nil, nil)
	n.finish(5, nil, nil, nil)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
