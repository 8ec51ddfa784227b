package vm

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The walkthrough, typed line by line on three machines.
func TestM2_1_Walkthrough(t *testing.T) {
	began := time.Now()
	l, transcript := labtest.Machines(t)
	must(t, l.Healthy(t.Context()))
	if transcript != "" {
		t.Logf("typed and answered:\n%s", transcript)
	}
	t.Logf("M2.1 three virtual machines: one LEADER and two FOLLOWERs after %.0f s", time.Since(began).Seconds())
}

func TestM2_2_Slixmpp(t *testing.T) {
	l, _ := labtest.Machines(t)
	labtest.Slixmpp(t, l)
}

// The Call Bridges of the machines get their names and secrets, two at the prompt
// and one in Web Admin, find their servers by SRV, and one whose server loses
// power is connected elsewhere. No browser: three emulated machines and one more
// program of that size leave none of them the time a leader needs.
func TestM3_1_WalkthroughOnMachines(t *testing.T) {
	l, _ := labtest.Machines(t)
	for _, n := range l.Members()[:2] {
		typeBridge(t, n)
	}
	enterBridge(t, l.Members()[2])
	signIns(t, l.Members()[2])
	nothingFailed(t, l)
	from, to, took := loseServer(t, l)
	must(t, from.Start(t.Context()))
	must(t, l.WaitHealthy(t.Context(), 2*time.Minute))
	linked(t, l.Members()...)
	t.Logf("M3.1 three virtual machines: cb1 cb2 cb3 connected by SRV; %s loses power, its bridge is connected to %s after %.1f s", from.Name(), to, took.Seconds())
}

// The leader's process is killed under traffic; systemd starts it again.
func TestM2_3_LeaderKilled(t *testing.T) {
	l, _ := labtest.Machines(t)
	leader, others, err := l.Leader(t.Context())
	must(t, err)
	const rate = 50
	tr := labtest.StartTraffic(t, l, others[0], others[1], rate)
	must(t, leader.Signal(t.Context(), "xmppd", syscall.SIGKILL))
	tr.Await(rate)
	gap, sent := tr.Stop()
	must(t, leader.Revive(t.Context(), "xmppd"))
	must(t, l.WaitHealthy(t.Context(), time.Minute))
	t.Logf("M2.3 leader killed in the VM lab: %d messages, none lost, doubled or reordered; longest gap %v", sent, gap.Round(time.Millisecond))
}

// A machine loses power and boots again: it follows with its configuration.
func TestM2_7_MachineOffAndOn(t *testing.T) {
	l, _ := labtest.Machines(t)
	leader, others, err := l.Leader(t.Context())
	must(t, err)
	must(t, leader.Kill(t.Context()))
	must(t, lab.Wait(t.Context(), 30*time.Second, "a new leader", func() error {
		_, _, err := l.Leader(t.Context())
		return err
	}))
	if _, err := others[0].Exec(t.Context(), "xmpp callbridge add meanwhile"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	must(t, leader.Start(t.Context()))
	must(t, l.WaitHealthy(t.Context(), 2*time.Minute))
	took := time.Since(began)
	secrets, err := leader.Secrets(t.Context())
	must(t, err)
	if secrets["meanwhile"] == "" {
		t.Errorf("the machine lacks what was added meanwhile: %v", secrets)
	}
	_, err = leader.Exec(t.Context(), "xmpp callbridge del meanwhile")
	must(t, err)
	t.Logf("M2.7 the leader's machine killed and booted again: it follows after %.0f s, with what was added meanwhile", took.Seconds())
}

// All three lose power and form again unaided.
func TestM2_7_AllOffAndOn(t *testing.T) {
	l, _ := labtest.Machines(t)
	for _, n := range l.Members() {
		must(t, n.Kill(t.Context()))
	}
	began := time.Now()
	must(t, l.Start(t.Context()))
	must(t, l.WaitHealthy(t.Context(), 2*time.Minute))
	t.Logf("M2.7 three machines off and on: formed again unaided after %.0f s", time.Since(began).Seconds())
}

// A node taken out of the cluster is set up by files alone, then joins again.
func TestM2_9_FilesOnly(t *testing.T) {
	l, _ := labtest.Machines(t)
	leader, others, err := l.Leader(t.Context())
	must(t, err)
	n := others[0]
	original, err := n.ReadConfig(t.Context(), "quorate.toml")
	must(t, err)
	for _, line := range []string{"xmpp reset --force", "xmpp cluster disable"} {
		_, err = n.Exec(t.Context(), line)
		must(t, err)
	}
	labtest.FilesOnly(t, l, n)
	must(t, n.WriteConfig(t.Context(), "quorate.toml", original))
	_, err = n.Reload(t.Context())
	must(t, err)
	_, err = n.Exec(t.Context(), "xmpp reset --force")
	must(t, err)
	must(t, l.Join(t.Context(), n, leader))
	must(t, l.WaitHealthy(t.Context(), time.Minute))
}

// Every unit of the product, judged by the image's own systemd.
func TestM2_11_Units(t *testing.T) {
	l, _ := labtest.Machines(t)
	out, err := l.Members()[0].Root(t.Context(), "cd /usr/lib/systemd/system && systemd-analyze verify --man=no quorate* && ls quorate* | wc -l")
	must(t, err)
	count := strings.TrimSpace(out)
	if strings.Contains(count, "\n") {
		t.Errorf("systemd-analyze verify says:\n%s", out)
	}
	t.Logf("M2.11 systemd-analyze verify: %s units clean", count)
}
