package metrics

import (
	"strings"
	"sync"

	gometrics "github.com/hashicorp/go-metrics"
)

// Raft and serf tell what they do to a sink of their own library, process by
// process and under names of their own. Libraries hears those names that say
// something to whoever runs a node, and gives them names that stay.

// heard is where a name of theirs goes: to a count or gauge and, where it is a
// time, to the sum of them.
type heard struct {
	count, seconds *Metric
	label          string // "" for a metric without
}

// overheard are the names that are listened to.
var overheard = map[string]heard{
	"raft.state.follower":                  {count: RaftStates, label: "follower"},
	"raft.state.candidate":                 {count: RaftStates, label: "candidate"},
	"raft.state.leader":                    {count: RaftStates, label: "leader"},
	"raft.transition.heartbeat_timeout":    {count: RaftTimeouts, label: "heartbeat"},
	"raft.transition.leader_lease_timeout": {count: RaftTimeouts, label: "lease"},
	"raft.commitTime":                      {count: RaftCommits, seconds: RaftCommitSeconds},
	"raft.leader.dispatchLog":              {count: RaftWrites, seconds: RaftWriteSeconds},
	"raft.rpc.appendEntries.storeLogs":     {count: RaftWrites, seconds: RaftWriteSeconds},
	"raft.fsm.apply":                       {count: RaftApplies, seconds: RaftApplySeconds},
	"raft.snapshot.takeSnapshot":           {count: RaftSnapshots, label: "taken"},
	"raft.rpc.installSnapshot":             {count: RaftSnapshots, label: "installed"},
	"serf.member.join":                     {count: GossipEvents, label: "join"},
	"serf.member.failed":                   {count: GossipEvents, label: "failed"},
	"serf.member.left":                     {count: GossipEvents, label: "left"},
	"serf.member.flap":                     {count: GossipEvents, label: "flap"},
	"memberlist.msg.suspect":               {count: GossipSuspicions},
	"memberlist.degraded.probe":            {count: GossipDegraded},
	"memberlist.health.score":              {count: GossipHealth},
	"memberlist.udp.sent":                  {count: GossipBytes, label: "udp sent"},
	"memberlist.udp.received":              {count: GossipBytes, label: "udp received"},
	"memberlist.tcp.sent":                  {count: GossipBytes, label: "tcp sent"},
}

// Libraries has what they told since it was made. There is one of it that they
// talk to: the newest.
type Libraries struct {
	mu   sync.Mutex // guards sums
	sums map[row]float64
}

// row is a metric with its label, "" for none.
type row struct {
	metric *Metric
	label  string
}

// NewLibraries listens to them from now on.
func NewLibraries() (*Libraries, error) {
	l := &Libraries{sums: map[row]float64{}}
	for _, h := range overheard {
		l.sums[row{h.count, h.label}] = 0
		if h.seconds != nil {
			l.sums[row{h.seconds, h.label}] = 0
		}
	}
	cfg := gometrics.DefaultConfig("")
	cfg.EnableHostname, cfg.EnableRuntimeMetrics = false, false
	_, err := gometrics.NewGlobal(cfg, l)
	return l, err
}

// Read tells the numbers.
func (l *Libraries) Read(to *Readings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r, n := range l.sums {
		if r.label == "" {
			to.Put(r.metric, n)
		} else {
			to.Put(r.metric, n, r.label)
		}
	}
}

// hear folds a value that a name was given.
func (l *Libraries) hear(key []string, fold func(h heard)) {
	h, wanted := overheard[strings.Join(key, ".")]
	if !wanted {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fold(h)
}

// SetGauge implements their sink.
func (l *Libraries) SetGauge(key []string, val float32) {
	l.hear(key, func(h heard) { l.sums[row{h.count, h.label}] = float64(val) })
}

// IncrCounter implements their sink.
func (l *Libraries) IncrCounter(key []string, val float32) {
	l.hear(key, func(h heard) { l.sums[row{h.count, h.label}] += float64(val) })
}

// AddSample implements their sink: val is in milliseconds, where it is a time.
func (l *Libraries) AddSample(key []string, val float32) {
	l.hear(key, func(h heard) {
		l.sums[row{h.count, h.label}]++
		if h.seconds != nil {
			l.sums[row{h.seconds, h.label}] += float64(val) / 1000
		}
	})
}

// EmitKey implements their sink; nothing is told by it.
func (l *Libraries) EmitKey([]string, float32) {}

// SetGaugeWithLabels is SetGauge: their labels say whose it is, and it is ours.
func (l *Libraries) SetGaugeWithLabels(key []string, val float32, _ []gometrics.Label) {
	l.SetGauge(key, val)
}

// IncrCounterWithLabels is IncrCounter.
func (l *Libraries) IncrCounterWithLabels(key []string, val float32, _ []gometrics.Label) {
	l.IncrCounter(key, val)
}

// AddSampleWithLabels is AddSample.
func (l *Libraries) AddSampleWithLabels(key []string, val float32, _ []gometrics.Label) {
	l.AddSample(key, val)
}
