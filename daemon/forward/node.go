package forward

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/router"
)

// tick is how often the machines are given the time.
const tick = 20 * time.Millisecond

// Links sends to the other nodes; package mesh implements it.
type Links interface {
	Send(id string, add func([]byte) []byte) bool
	// Flush has what Send appended written: inline if the caller's batch is over.
	Flush(inline bool)
	// Reset breaks the link to a node that sent what can not be understood.
	Reset(id string, why error)
}

// Config is what New needs.
type Config struct {
	ID      string
	Inc     router.Inc
	Limits  router.Limits
	Links   Links
	Facts   Facts
	Account func() im.Limits // what one may have; nil for im.DefaultLimits
	Version string           // of the software, as it is told to who asks
	Store   Store            // nil: there are no rosters and no offline store
	// Leaderless says in words why there is no leader, "" while there is one. It
	// may be nil.
	Leaderless func() string
	Logger     *slog.Logger
}

// NewIncarnation returns a fresh incarnation for this start of the process.
func NewIncarnation() (inc router.Inc) {
	rand.Read(inc[:])
	return inc
}

// Node is this node's part in forwarding: always an edge, and the leader's
// side when consensus says so.
type Node struct {
	self    router.NodeID
	inc     router.Inc
	links   Links
	facts   Facts
	store   Store
	why     func() string // there is no leader
	log     *slog.Logger
	wait    time.Duration
	began   time.Time
	base    int64 // Unix milliseconds: as what the clock had it then
	version string
	account func() im.Limits
	limits  router.Limits

	policy  atomic.Pointer[archive.Policy]
	closing sync.WaitGroup // goroutines of drainSession and commit

	mu       sync.Mutex // guards what follows
	edge     *router.Edge
	leader   *router.Leader
	local    []localMsg
	sessions map[router.SID]*session
	room     map[string]waiting // by the account of who waits for room in the window
	said     bool               // the leader machine served when last looked
	proposed []replica.Command
	counts   counts
	gone     map[string]bool // nodes whose process is proved dead, since their link was last up

	proposals chan struct{} // holds one: proposed has grown
}

// waiting is who waits for room. The channel is closed when there is some, or a
// session has ended.
type waiting struct {
	room  chan struct{}
	least int // bytes that one of them waits for
}

type localMsg struct {
	m        router.Msg
	toLeader bool
}

// New returns a node that knows of no leader yet.
func New(c Config) *Node {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Leaderless == nil {
		c.Leaderless = func() string { return "" }
	}
	n := &Node{why: c.Leaderless, self: router.NodeID(c.ID), inc: c.Inc, links: c.Links, facts: c.Facts, store: c.Store, proposals: make(chan struct{}, 1), log: c.Logger, began: time.Now(), base: wall(), version: c.Version, account: c.Account, limits: c.Limits,
		sessions: make(map[router.SID]*session), room: make(map[string]waiting), gone: make(map[string]bool), wait: c.Limits.GiveUp}
	if n.wait <= 0 {
		n.wait = router.GiveUp
	}
	n.SetPolicy(archive.Policy{Default: im.Never})
	n.edge = router.NewEdge(router.EdgeConfig{Inc: c.Inc, Limits: c.Limits, Out: edgeOut{n},
		Now: n.now, Wall: wall, Parse: classOf, Bounce: n.bounce, Known: n.known})
	n.leader = router.NewLeader(n.self, n.rules(), leaderOut{n})
	return n
}

// SetPolicy says what archives keep from now on, while this node leads.
func (n *Node) SetPolicy(p archive.Policy) { n.policy.Store(&p) }

// now is the time in Unix milliseconds as of the start of this process, for what is
// timed. It does not follow a clock that is set, which would time out or hold everything.
func (n *Node) now() int64 { return n.base + time.Since(n.began).Milliseconds() }

// wall is the time in Unix milliseconds as the clock is set, for what is stamped and
// for how long it is kept. A clock that was wrong at the start is right some time.
func wall() int64 { return time.Now().UnixMilli() }

// edgeOut and leaderOut carry what the machines send; both only append.
type (
	edgeOut   struct{ n *Node }
	leaderOut struct{ n *Node }
)

func (o edgeOut) Send(to router.NodeID, m router.Msg) { o.n.send(to, m, true) }
func (o leaderOut) Send(to router.NodeID, m router.Msg) {
	if m.Type == router.MsgResolve {
		await("resolve", m)
	}
	o.n.send(to, m, false)
}

func (n *Node) send(to router.NodeID, m router.Msg, toLeader bool) {
	if to == n.self {
		n.local = append(n.local, localMsg{m, toLeader})
		return
	}
	n.links.Send(string(to), func(b []byte) []byte { return router.AppendMsg(b, m) })
}

// drain steps the machines on what they sent to each other within this node.
// The caller holds the lock.
func (n *Node) drain() {
	for i := 0; i < len(n.local); i++ {
		l := n.local[i]
		n.local[i] = localMsg{}
		n.step(n.self, l.m, l.toLeader)
	}
	n.local = n.local[:0]
	n.wake(n.edge.Source.RoomOf)
}

// wake has every Send look again that waits, of those accounts that pass. The caller
// holds the lock.
func (n *Node) wake(pass func(account string, size int) bool) {
	for account, w := range n.room {
		if pass(account, w.least) {
			close(w.room)
			delete(n.room, account)
		}
	}
}

// wakeAll has every Send that waits look again. The caller holds the lock.
func (n *Node) wakeAll() { n.wake(func(string, int) bool { return true }) }

// roomFor is closed when a stanza of that many bytes may find room. The caller holds
// the lock.
func (n *Node) roomFor(account string, size int) <-chan struct{} {
	w, ok := n.room[account]
	if !ok {
		w = waiting{make(chan struct{}), size}
	}
	w.least = min(w.least, size)
	n.room[account] = w
	return w.room
}

// settle drains and has the links' writers write. The caller holds the lock.
func (n *Node) settle() {
	n.drain()
	n.links.Flush(false)
}

func (n *Node) step(from router.NodeID, m router.Msg, toLeader bool) {
	switch {
	case toLeader:
		switch m.Type {
		case router.MsgFrame:
			await("frame", m)
		case router.MsgAnswer:
			await("answer", m)
		}
		n.leader.Receive(n.now(), from, m)
	case m.Type == router.MsgClose:
		n.drainSession(from, m)
	default:
		n.edge.Receive(from, m)
	}
}

// Receive takes the payloads of one read from a peer. One that is no message
// breaks the link: what it was is lost, which only a new epoch repairs.
func (n *Node) Receive(id string, payloads [][]byte) {
	msgs := make([]router.Msg, 0, len(payloads))
	var bad error
	for _, p := range payloads {
		m, err := router.ParseMsg(p)
		if err != nil {
			bad = err
			break
		}
		msgs = append(msgs, m)
	}
	n.mu.Lock()
	for _, m := range msgs {
		n.step(router.NodeID(id), m, m.Type.FromEdge())
	}
	n.drain()
	n.mu.Unlock()
	n.links.Flush(true)
	if bad != nil {
		n.log.Error("a peer sent what is no message", "node_id", id, "error", bad)
		n.links.Reset(id, bad)
	}
}

// LinkUp tells that a peer can be reached.
func (n *Node) LinkUp(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.gone, id)
	n.leader.LinkUp(n.now(), router.NodeID(id))
	n.settle()
}

// LinkDown tells that a peer can not be reached; dead, that its process is gone.
func (n *Node) LinkDown(id string, dead bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.gone[id] = n.gone[id] || dead
	n.edge.LinkDown(router.NodeID(id))
	n.leader.LinkDown(n.now(), router.NodeID(id), dead)
	n.settle()
}

// Reign starts the leader's side in a raft term, behind its barrier, over the
// given members; linked says which of them can be reached.
func (n *Node) Reign(term uint64, members []router.Member, linked func(id string) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leader.Members(n.now(), members)
	for _, m := range members {
		switch up := linked(string(m.Node)); {
		case m.Node == n.self:
		case up:
			n.leader.LinkUp(n.now(), m.Node)
		case n.gone[string(m.Node)]: // proved before anybody here led
			n.leader.LinkDown(n.now(), m.Node, true)
		}
	}
	n.leader.Start(n.now(), term)
	n.settle()
}

// Abdicate ends the leader's side.
func (n *Node) Abdicate() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leader.Stop()
	n.said, n.proposed = false, nil
	n.settle()
}

// Run gives the machines the time until ctx ends.
func (n *Node) Run(ctx context.Context) {
	n.closing.Go(func() { n.commit(ctx) })
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			n.closing.Wait()
			return
		case <-t.C:
		}
		n.mu.Lock()
		n.leader.Tick(n.now())
		n.edge.Tick()
		n.settle()
		n.countOpen()
		if e, ok := n.leader.Serving(); ok != n.said {
			if n.said = ok; ok {
				n.log.Info("routing as leader", "term", e.Term, "opening", e.K)
			}
		}
		n.mu.Unlock()
	}
}

// Status is a look at the traffic of this node.
type Status struct {
	Leader   string // whose epoch this edge is in
	Term     uint64
	Open     bool // traffic flows
	Sessions map[string]Bound
	Waiting  int // frames not yet answered for
	Bytes    int
}

// Bound is one session of this node.
type Bound struct {
	JID       string
	Component bool
}

// Status returns the present state of affairs.
func (n *Node) Status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, e, open := n.edge.Leader()
	s := Status{Leader: string(l), Term: e.Term, Open: open, Sessions: make(map[string]Bound, len(n.sessions))}
	s.Waiting, s.Bytes, _ = n.edge.Source.Kept()
	for _, x := range n.sessions {
		if x.bound {
			s.Sessions[x.addr] = Bound{JID: x.addr, Component: x.kind == router.Component}
		}
	}
	return s
}

// Directory returns, on the leader, who is bound where: address → node ID.
func (n *Node) Directory() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.leader.Directory()
}

// Drain waits until the sessions that have ended are closed behind the leader's
// barrier and what they left over is answered for, at most that long.
func (n *Node) Drain(limit time.Duration) {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(tick) {
		n.mu.Lock()
		waiting, _, _ := n.edge.Source.Kept()
		idle := len(n.sessions) == 0 && waiting == 0
		n.mu.Unlock()
		if idle {
			return
		}
	}
}
