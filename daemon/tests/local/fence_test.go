package local

import (
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// A frozen leader that wakes up acts on nothing: the flow between the others
// goes on under its successor, and nothing of the old epoch gets in.
func TestM2_4_LeaderStopped(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	tr := labtest.StartTraffic(t, l, others[0], others[1], trafficRate)
	must(t, leader.Signal(t.Context(), "xmppd", syscall.SIGSTOP))
	waitLeader(t, l, others)
	tr.Await(trafficRate / 4)
	must(t, leader.Signal(t.Context(), "xmppd", syscall.SIGCONT))
	tr.Await(trafficRate / 2)
	gap, sent := tr.Stop()
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	oneEpoch(t, l)
	t.Logf("M2.4 leader stopped and resumed: %d messages, none lost, doubled or reordered; longest gap %v; peers listed once", sent, gap.Round(time.Millisecond))
}

// A leader that is cut off silently is replaced; alone it refuses to write and
// says why; healed, it follows, and every node lists three peers once.
func TestM2_4_LeaderPartitioned(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	tr := labtest.StartTraffic(t, l, others[0], others[1], trafficRate)
	must(t, leader.Cut(t.Context()))
	waitLeader(t, l, others)
	tr.Await(trafficRate / 4)
	minority(t, leader)
	must(t, leader.Heal(t.Context()))
	tr.Await(trafficRate / 2)
	gap, sent := tr.Stop()
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	oneEpoch(t, l)
	t.Logf("M2.4 leader partitioned and healed: %d messages, none lost, doubled or reordered; longest gap %v; peers listed once", sent, gap.Round(time.Millisecond))
	t.Logf("M2.13 silent cut of the leader: gap %v", gap.Round(time.Millisecond))
	if gap > 1500*time.Millisecond {
		t.Errorf("a silent cut cost %v, want 1.5 s at most", gap)
	}
}

// oneEpoch checks what the nodes logged: no term was served by two of them, so
// no edge could accept from two epochs of one, and each node's epochs only grew.
func oneEpoch(t *testing.T, l *lab.Lab) {
	t.Helper()
	owner := map[string]string{}
	for _, n := range l.Members() {
		text, err := n.Journal(t.Context(), "xmppd")
		must(t, err)
		// What it routed before it entered the cluster was its own affair.
		text = text[max(0, strings.LastIndex(text, "method=ClusterEnable")):]
		for _, m := range routing.FindAllStringSubmatch(text, -1) {
			if other, taken := owner[m[1]]; taken && other != n.Name() {
				t.Errorf("term %s was served by %s and by %s", m[1], other, n.Name())
			}
			owner[m[1]] = n.Name()
		}
	}
	must(t, wantf(len(owner) > 0, "no node said that it routes"))
}

// routing is what a leader logs when it begins to serve.
var routing = regexp.MustCompile(`routing as leader.*term=(\d+)`)

// minority checks what a node alone says and refuses.
func minority(t *testing.T, n *lab.Node) {
	t.Helper()
	const reason = "no quorum: 1 of 3 voters reachable, 2 needed"
	must(t, lab.Wait(t.Context(), 10*time.Second, "the minority to say so", func() error {
		s, err := n.ConsoleStatus(t.Context())
		return wantf(err == nil && s.State == "NO LEADER" && strings.Contains(s.Reason, reason) && len(s.Peers) == 3,
			"its status is %+v, %v", s, err)
	}))
	out, err := n.Console(t.Context(), "xmpp callbridge add minority")
	must(t, wantf(lab.Failed(err) && strings.Contains(out, "FAILURE: ") && strings.Contains(out, reason), "the minority answered a write with %q, %v", out, err))
}

// Each link is reset in turn while the flow runs over all of them.
func TestM2_4_LinksReset(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	tr := labtest.StartTraffic(t, l, others[0], others[1], trafficRate)
	pairs := [][2]*lab.Node{{leader, others[0]}, {others[1], leader}, {others[0], others[1]}}
	for _, p := range pairs {
		must(t, l.ResetLinks(t.Context(), p[0], p[1]))
		tr.Await(trafficRate / 8)
	}
	gap, sent := tr.Stop()
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	oneEpoch(t, l)
	t.Logf("M2.4 each link reset: %d messages, none lost, doubled or reordered; longest gap %v", sent, gap.Round(time.Millisecond))
}

// waitLeader waits until one of the nodes leads.
func waitLeader(t *testing.T, l *lab.Lab, nodes []*lab.Node) {
	t.Helper()
	must(t, lab.Wait(t.Context(), 10*time.Second, "a new leader", func() error {
		states := map[string]int{}
		for _, n := range nodes {
			s, err := n.ClusterStatus(t.Context())
			if err != nil {
				return err
			}
			states[s.State]++
		}
		return wantf(states["LEADER"] == 1, "states are %v", states)
	}))
}
