package cluster_test

import (
	"testing"

	"quorate.org/daemon/cluster"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/replica"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	all := form(t, 2)
	cert := all[0].cert
	stranger := newMember(t, cert)
	join := func(host string) error { return stranger.cluster.Join(t.Context(), host) }

	wantFault(t, "join before enable", join(all[0].addr), fault.WrongState)
	stranger.again(stranger.cluster.Enable, nil)
	wantFault(t, "unresolvable host", join("no.such.host.invalid"), fault.DNS)
	wantFault(t, "unreachable host", join("127.0.91.200"), fault.TCP)
	wantFault(t, "itself", join(stranger.addr), fault.InvalidArgument)

	all[0].trust.Store(false)
	wantFault(t, "untrusted by the peer", join(all[0].addr), fault.Trust)
	all[0].trust.Store(true)

	propose(t, stranger, replica.SetDomain("other.example"))
	wantFault(t, "other domain", join(all[1].addr), fault.WrongDomain)
	propose(t, stranger, replica.SetDomain("meet.example"))
	propose(t, stranger, replica.AddCallBridgeSecret("cb1", "AAAAAAAAAAAAAAAAAAA"))
	wantFault(t, "conflicting secret", join(all[1].addr), fault.SecretConflict)
	if stranger.cluster.Mode() != cluster.Enabled || len(all[0].cluster.State().Members) != 2 {
		t.Error("a refused join changed something")
	}

	all[1].close()
	err := all[0].cluster.Propose(t.Context(), replica.AddCallBridge("late", replica.NewSecret()))
	wantFault(t, "write without quorum", err, fault.NoQuorum)
	if want := "no quorum: 1 of 2 voters reachable, 2 needed"; err != nil && err.(*fault.Error).Message != want {
		t.Errorf("the refusal says %q, want %q", err, want)
	}
	if err := all[0].cluster.MayRecover(); err != nil {
		t.Fatal(err)
	}
	lone := all[0]
	lone.again(func() error { return nil }, func(string) error { return nil })
	recoverLone(t, lone)
}

func recoverLone(t testing.TB, m *member) {
	t.Helper()
	c := m.cluster
	m.again(c.MayRecover, func(string) error { return c.Recover() })
	until(t, "the survivor leads alone", func() bool { v := m.cluster.View(); return v.State == cluster.StateLeader && v.Voters == 1 })
	propose(t, m, replica.AddCallBridge("late", replica.NewSecret()))
}
