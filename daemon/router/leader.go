package router

import (
	"cmp"
	"slices"
)

// Timing of the epoch protocol, in milliseconds.
const (
	syncWait   = 150  // an edge silent for longer is absent (rule 2)
	absentHold = 2000 // how long an absent edge's sessions are held (rule 12)
	freshFor   = 200  // dispatch needs a majority's answer younger than this (rule 15)
	pingEvery  = 50
	tidyEvery  = 1000
	pingFor    = 1000 // pings go on for so long behind the last frame; an idle leader sends none
	flapFirst  = 100  // back-off of a flapping edge (rule 5), doubling
	flapMax    = 5000
	flapForget = 10000 // an edge steady for so long starts over

	// forgetAfter is how long the set of what a lost edge sent is kept: longer
	// than any source keeps a frame.
	forgetAfter = 300_000
)

type phase uint8

const (
	idle    phase = iota // not the leader
	opening              // waiting for SYNC
	serving              // GO sent
)

// peer is one member's edge as the leader sees it.
type peer struct {
	node    NodeID
	inc     Inc
	known   bool // inc is set
	voter   bool
	linked  bool
	synced  bool // answered SYNC in this epoch
	dead    bool // its process is proved gone
	sync    *Sync
	pong    int64  // when it last answered a ping
	absent  int64  // until when its sessions are held; 0 when not absent
	gone    bool   // that time is over
	flap    int64  // back-off before it is readmitted
	flapped int64  // when it was last lost
	newest  uint64 // of the frames that came from its source
}

// Leader is the routing side of the protocol. It acts only between Start and
// Stop; while it does, every node's edge sends it what it accepts.
type Leader struct {
	self  NodeID
	out   Out
	rules *Rules

	phase    phase
	epoch    Epoch
	openedAt int64
	readmit  int64 // when to open again for edges that wait; 0 for none
	pinged   int64
	busy     int64 // when the last frame came
	counter  uint64
	peers    map[NodeID]*peer
	incs     map[Inc]*peer
	dead     map[Inc]int64 // since when

	directory
	pending  map[FrameID]*pending
	reported map[FrameID][]uint64 // what the edges had accepted before this epoch
	inbox    []*Frame             // received while not fresh

	lanes        map[laneKey]*lane     // of sessions whose frames wait
	unanswered   map[laneKey]int       // how many frames are pending, by lane
	answeredLane laneKey               // whose last one was answered just now
	standIns     map[string][]byte     // messages by the copy that stands in for one
	standing     int                   // bytes of these
	asked        map[FrameID]laneKey   // commands on their way to the store, and whose lanes wait for them
	flights      map[string]*flight    // by bare address
	parting      map[string][]*session // by bare address: closed, and the store still has what they took
	told         told
	resumptions
	mirror mirror
	paced  map[paceKey]*pending // with parts that wait for room
	total  int                  // Rules.Queues
	window int                  // Rules.Frames
}

// pending is a frame with parts not yet answered (rule 8).
type pending struct {
	f    *Frame
	left int
	pacing
}

// NewLeader returns an idle leader machine of node self.
func NewLeader(self NodeID, rules *Rules, out Out) *Leader {
	return &Leader{
		total: cmp.Or(rules.Queues, DefaultQueues), window: min(cmp.Or(rules.Frames, MaxFrames), MaxFrames), self: self, out: out, rules: rules,
		peers: make(map[NodeID]*peer), incs: make(map[Inc]*peer), dead: make(map[Inc]int64),
		directory: newDirectory(), asked: make(map[FrameID]laneKey), standIns: make(map[string][]byte), resumptions: newResumptions(),
	}
}

// Member is one node of the cluster.
type Member struct {
	Node  NodeID
	Voter bool
}

// Members sets who belongs to the cluster; edges of others are let go.
func (l *Leader) Members(now int64, list []Member) {
	keep := make(map[NodeID]bool, len(list))
	for _, m := range list {
		keep[m.Node] = true
		p := l.peers[m.Node]
		if p == nil {
			p = &peer{node: m.Node, linked: m.Node == l.self}
			l.peers[m.Node] = p
		}
		p.voter = m.Voter
	}
	for n, p := range l.peers {
		if !keep[n] {
			l.bury(now, p)
			delete(l.peers, n)
		}
	}
	l.advance(now)
}

// Start begins a reign in a raft term, after the barrier.
func (l *Leader) Start(now int64, term uint64) {
	if l.phase != idle && l.epoch.Term == term {
		return
	}
	if l.epoch.Term != term {
		l.epoch, l.told.swept = Epoch{Term: term}, 0
		l.directory = newDirectory()
		l.counter = 0
		l.asked = make(map[FrameID]laneKey)
		l.resumptions = newResumptions()
		for _, p := range l.peers {
			p.absent, p.gone, p.flap = 0, false, 0
		}
	} else {
		l.epoch.K++
	}
	l.open(now)
}

// Stop ends the reign and says so: the links may stay, and the next leader may
// be long in coming. Frames are safe at their sources.
func (l *Leader) Stop() {
	if l.phase == idle {
		return
	}
	for _, p := range l.ordered() {
		if p.linked {
			l.send(p, Msg{Type: MsgStop})
		}
	}
	l.phase = idle
	l.directory, l.resumptions, l.mirror = newDirectory(), newResumptions(), mirror{}
	l.pending, l.reported, l.inbox, l.lanes, l.flights = nil, nil, nil, nil, nil
	l.readmit = 0
}

// Serving reports whether traffic flows, and the epoch.
func (l *Leader) Serving() (Epoch, bool) { return l.epoch, l.phase == serving }

func (l *Leader) ordered() []*peer {
	list := make([]*peer, 0, len(l.peers))
	for _, p := range l.peers {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *peer) int { return cmp.Compare(a.node, b.node) })
	return list
}

func (l *Leader) send(p *peer, m Msg) {
	m.Epoch = l.epoch
	if l.gates(p, m) {
		l.mirror.gate = append(l.mirror.gate, gated{behind: l.mirror.last, m: m})
		return
	}
	l.out.Send(p.node, m)
}

// Receive handles one message of an edge.
func (l *Leader) Receive(now int64, from NodeID, m Msg) {
	p := l.peers[from]
	if p == nil || l.phase == idle || m.Epoch != l.epoch {
		return
	}
	if m.Type == MsgSync {
		l.synced(now, p, m.Sync)
		return
	}
	if !p.synced {
		return
	}
	switch m.Type {
	case MsgPong:
		p.pong = now
		l.catchUp(now)
	case MsgFrame:
		l.accept(now, m.Frame)
	case MsgAnswer:
		l.answered(m)
		l.recallAnswered(now)
	case MsgBind:
		l.bind(now, p, m)
	case MsgUnbind:
		l.unbind(p, m.SID)
	case MsgClosed:
		if s := l.sessions[m.SID]; s != nil && s.edge == p && s.Closing {
			l.closed(now, s)
		}
	default:
		l.resumption(now, p, m)
	}
}

// advance moves on when the time or the facts allow it: from opening to GO,
// to the next epoch for edges that wait, and past expired holds.
func (l *Leader) advance(now int64) {
	switch l.phase {
	case opening:
		if l.gathered(now) {
			l.resume(now)
		}
	case serving:
		if l.readmit != 0 && now >= l.readmit {
			l.again(now)
			return
		}
		l.expire(now)
		l.tellLiving()
	}
}

// Tick gives the machine the time; call it every few tens of milliseconds.
func (l *Leader) Tick(now int64) {
	if l.phase == idle {
		return
	}
	l.advance(now)
	if l.phase == serving {
		l.paceAll(now)
		l.recall(now)
		l.tidy(now)
		l.sweep(now)
		l.seekAgain(now)
	}
	if l.phase == serving && (now-l.busy < pingFor || len(l.inbox)+len(l.holds)+len(l.lanes) > 0) {
		l.ping(now)
	}
}

// ping asks every edge whether it is still with this leader.
func (l *Leader) ping(now int64) {
	if now-l.pinged < pingEvery {
		return
	}
	l.pinged = now
	for _, p := range l.ordered() {
		if p.synced && p.node != l.self {
			l.send(p, Msg{Type: MsgPing})
		}
	}
}

// Fresh reports whether a majority of the voters answered lately (rule 15).
func (l *Leader) Fresh(now int64) bool {
	voters, ok := 0, 0
	for _, p := range l.peers {
		if !p.voter {
			continue
		}
		voters++
		if p.node == l.self || p.synced && now-p.pong < freshFor {
			ok++
		}
	}
	return 2*ok > voters
}

// retire starts the close barrier of a listed session.
func (l *Leader) retire(s *session) {
	s.Closing = true
	l.abort(s)
	l.unlist(s)
	l.holdOf(holdKey(s)).closing++
}

// free forgets a session; the address may be given again.
func (l *Leader) free(s *session) {
	l.bid(s)
	l.reflect(s, Mirror{Kind: MirrorEnd})
	l.remove(s)
	if s.Closing {
		if h := l.holds[holdKey(s)]; h != nil && h.closing > 0 {
			h.closing--
		}
	}
	for _, w := range s.waiters {
		if w.edge.synced && l.phase == serving {
			l.grant(w)
		}
	}
	s.waiters = nil
	if bare := holdKey(s); l.flights[bare] != nil && l.flights[bare].to == s {
		delete(l.flights, bare)
		l.flush(bare)
	}
}
