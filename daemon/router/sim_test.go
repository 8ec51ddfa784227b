package router

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

var simRuns = flag.Int("sim.runs", 3000, "random runs of the forwarding simulation")

// The simulation drives the real machines of three nodes with a scheduler that
// drops links, kills and restarts processes, changes leaders (leaving the old
// one to believe in itself), closes and rebinds sessions, and delays messages.
type sim struct {
	t    *testing.T
	seed uint64
	r    *rand.Rand
	now  int64
	term uint64
	lead int
	node []*simNode
	link map[[2]int]*simLink // directed; [i][i] is the node's own edge
	fate map[string]*fate    // stanza → what became of it
	log  []delivery
	died map[Inc]bool
	// absent has the edges an epoch went on without though they lived: their
	// reports were missing, so a fresh bind elsewhere may repeat what they took.
	absent map[Inc]bool
}

type simLink struct {
	up bool
	q  []simMsg
}

type simMsg struct {
	m        Msg
	toLeader bool
}

type simNode struct {
	sim      *sim
	i        int
	alive    bool
	restart  int64
	inc      Inc
	edge     *Edge
	leader   *Leader
	reigning bool
	sessions []*simSession
}

type simSession struct {
	n       *simNode
	sid     SID
	jid     string
	kind    Kind
	granted bool
	over    bool
	out     [][]byte
	sent    uint64
}

type fate struct {
	lane    *simSession
	to      string
	owners  []Inc // who accepted it, in its session or box
	errors  int
	bounced int
}

type delivery struct {
	stanza, jid, lane string
	n                 uint64
	inc               Inc
}

func (s *simSession) Enqueue(raw []byte) bool {
	if s.over {
		return false
	}
	s.out = append(s.out, raw)
	return true
}
func (s *simSession) Drain() [][]byte {
	left := s.out
	s.out = nil
	return left
}
func (s *simSession) Shut(string) { s.over = true }

// A simulated stanza is "class to from lane n".
func simRaw(c Class, to, from, lane string, n uint64) []byte {
	return fmt.Appendf(nil, "%d %s %s %s %d", c, to, from, lane, n)
}

func simParse(raw []byte) (c Class, ok bool) {
	fmt.Sscan(string(raw), &c)
	return c, true
}

func simKey(raw []byte) string { f := strings.Fields(string(raw)); return f[3] + " " + f[4] }

func simRules() *Rules {
	return &Rules{
		Domain:    func() string { return "d" },
		Component: func(d []byte) bool { return strings.HasSuffix(string(d), ".d") },
		Answer:    func(*Frame) []byte { return nil },
		Error: func(f *Frame, _ Condition) (raw, to []byte) {
			x := strings.Fields(string(f.Raw))
			var n uint64
			fmt.Sscan(x[4], &n)
			return simRaw(MessageError, x[2], x[1], x[3], n), []byte(x[2])
		},
	}
}

type simOut struct{ n *simNode }

func (o simOut) Send(to NodeID, m Msg) {
	j := int(to[0] - 'a')
	l := o.n.sim.link[[2]int{o.n.i, j}]
	toLeader := m.Type == MsgSync || m.Type == MsgFrame || m.Type == MsgAnswer || m.Type == MsgBind ||
		m.Type == MsgUnbind || m.Type == MsgClosed || m.Type == MsgPong
	if m.Frame != nil { // what a wire would do
		f := *m.Frame
		m.Frame = &f
	}
	if l.up {
		l.q = append(l.q, simMsg{m, toLeader})
	}
}

func (s *sim) id(i int) NodeID { return NodeID(string(rune('a' + i))) }

func (s *sim) members() []Member {
	var l []Member
	for i := range s.node {
		l = append(l, Member{s.id(i), true})
	}
	return l
}

func (s *sim) boot(i int) {
	n := &simNode{sim: s, i: i, alive: true}
	for k := range n.inc {
		n.inc[k] = byte(s.r.Uint32())
	}
	n.edge = NewEdge(EdgeConfig{Inc: n.inc, Out: simOut{n}, Now: func() int64 { return s.now }, Parse: simParse,
		Bounce: func(f *Frame) {
			if ft := s.fate[simKey(f.Raw)]; ft != nil {
				ft.bounced++
			}
		}})
	n.leader = NewLeader(s.id(i), simRules(), simOut{n})
	s.node[i] = n
	for j := range s.node {
		s.link[[2]int{i, j}] = &simLink{up: i == j}
		if i != j {
			s.link[[2]int{j, i}] = &simLink{}
		}
	}
}

func (s *sim) connect(i, j int) {
	if i == j || !s.node[i].alive || !s.node[j].alive || s.link[[2]int{i, j}].up {
		return
	}
	s.link[[2]int{i, j}].up, s.link[[2]int{j, i}].up = true, true
	s.node[i].leader.LinkUp(s.now, s.id(j))
	s.node[j].leader.LinkUp(s.now, s.id(i))
}

func (s *sim) cut(i, j int, dead bool) {
	a, b := s.link[[2]int{i, j}], s.link[[2]int{j, i}]
	if i == j {
		return
	}
	was := a.up
	*a, *b = simLink{}, simLink{}
	for _, x := range [][2]int{{i, j}, {j, i}} {
		if n := s.node[x[0]]; n.alive && (was || dead) {
			n.edge.LinkDown(s.id(x[1]))
			n.leader.LinkDown(s.now, s.id(x[1]), dead && !s.node[x[1]].alive)
		}
	}
}

func (s *sim) elect(i int) {
	s.term++
	s.lead = i
	n := s.node[i]
	n.reigning = true
	n.leader.Members(s.now, s.members())
	for j := range s.node {
		if s.link[[2]int{i, j}].up {
			n.leader.LinkUp(s.now, s.id(j))
		} else if !s.node[j].alive {
			n.leader.LinkDown(s.now, s.id(j), true)
		}
	}
	n.leader.Start(s.now, s.term)
}

func (s *sim) kill(i int) {
	n := s.node[i]
	n.alive = false
	n.restart = s.now + 50 + s.r.Int64N(3000)
	s.died[n.inc] = true
	for _, x := range n.sessions {
		x.over = true
	}
	s.link[[2]int{i, i}].q = nil
	for j := range s.node {
		s.cut(j, i, s.r.IntN(2) == 0)
	}
}

func (s *sim) bind(i int) {
	n := s.node[i]
	kinds := []struct {
		k   Kind
		jid string
	}{{Component, "c1.d"}, {Component, "c2.d"}, {Client, "u@d/1"}, {Client, "u@d/2"}, {Client, "v@d/1"}}
	k := kinds[s.r.IntN(len(kinds))]
	x := &simSession{n: n, jid: k.jid, kind: k.k}
	x.sid = n.edge.Bind(k.k, k.jid, x, func(ok bool) {
		x.granted = ok
		if ok && k.k == Client {
			n.edge.Available(x.sid, true, 0)
			n.submit(x, PresenceAvailable, "")
		}
	})
	n.sessions = append(n.sessions, x)
}

func (n *simNode) submit(x *simSession, c Class, to string) {
	x.sent++
	lane := fmt.Sprintf("%x.%d", x.sid.Inc[:3], x.sid.N)
	raw := simRaw(c, "-", x.jid, lane, x.sent)
	if to != "" {
		raw = simRaw(c, to, x.jid, lane, x.sent)
		n.sim.fate[simKey(raw)] = &fate{lane: x, to: to}
	}
	n.edge.Source.Submit(&Frame{Class: c, To: []byte(to), Lane: x.sid, LaneSeq: x.sent, Raw: raw, Time: n.sim.now},
		n.edge.sendFrame)
}

func (s *sim) traffic() {
	n := s.node[s.r.IntN(len(s.node))]
	if !n.alive || len(n.sessions) == 0 {
		return
	}
	x := n.sessions[s.r.IntN(len(n.sessions))]
	if !x.granted || x.over {
		return
	}
	to := []string{"c1.d", "x@c2.d/r", "u@d/1", "u@d/2", "u@d", "v@d/1", "v@d", "nobody@d", "c9.d", "far.example"}[s.r.IntN(10)]
	n.submit(x, MessageChat, to)
}

// pump delivers the first message of a link.
func (s *sim) pump(i, j int) bool {
	l := s.link[[2]int{i, j}]
	if len(l.q) == 0 || !s.node[j].alive {
		return false
	}
	m := l.q[0]
	l.q = l.q[1:]
	n := s.node[j]
	if m.toLeader {
		n.leader.Receive(s.now, s.id(i), m.m)
		s.note(n)
		return true
	}
	if m.m.Type == MsgDeliver {
		s.deliver(n, s.id(i), m.m)
		return true
	}
	n.edge.Receive(s.id(i), m.m)
	return true
}

// deliver checks the first two invariants at the owner.
func (s *sim) deliver(n *simNode, from NodeID, m Msg) {
	set := n.edge.Owner.seen[m.Frame.ID.Inc]
	had := set != nil && set.has(m.Frame.ID.Seq, m.Sub)
	o := n.edge.Owner.sessions[m.SID]
	size := func() int {
		if o == nil {
			return 0
		}
		return len(o.sink.(*simSession).out) + len(o.box)
	}
	before := size()
	epoch := n.edge.epoch
	n.edge.Receive(from, m)
	took := size() > before
	if took && (had || m.Epoch != epoch) {
		s.fail("node %s accepted %v sub %d again or from epoch %v below its own %v", s.id(n.i), m.Frame.ID, m.Sub, m.Epoch, epoch)
	}
	if ft := s.fate[simKey(m.Frame.Raw)]; took && ft != nil {
		ft.owners = append(ft.owners, n.inc)
	}
}

// note records which living edges a serving leader goes on without.
func (s *sim) note(n *simNode) {
	if n.leader.phase != serving {
		return
	}
	for id, p := range n.leader.peers {
		if o := s.node[id[0]-'a']; o.alive && !p.synced {
			s.absent[o.inc] = true
		}
	}
}

// write moves what a session's outbox holds to its application.
func (s *sim) write(x *simSession) {
	for _, raw := range x.out {
		f := strings.Fields(string(raw))
		var c Class
		var d uint64
		fmt.Sscan(f[0], &c)
		fmt.Sscan(f[4], &d)
		if c == MessageError {
			if ft := s.fate[simKey(raw)]; ft != nil {
				ft.errors++
			}
			continue
		}
		s.log = append(s.log, delivery{simKey(raw), x.jid, f[3], d, x.n.inc})
	}
	x.out = nil
}

func (s *sim) fail(format string, a ...any) {
	s.t.Helper()
	s.t.Fatalf("seed %d at %d ms: %s", s.seed, s.now, fmt.Sprintf(format, a...))
}

func (s *sim) tick() {
	for _, n := range s.node {
		if !n.alive {
			if s.now >= n.restart {
				s.boot(n.i)
			}
			continue
		}
		n.edge.Tick()
		if n.reigning {
			n.leader.Tick(s.now)
			s.note(n)
		}
	}
}

func (s *sim) step() {
	s.now += s.r.Int64N(4)
	i, j := s.r.IntN(3), s.r.IntN(3)
	switch p := s.r.IntN(1000); {
	case p < 600:
		for k := s.r.IntN(4); k >= 0 && s.pump(i, j); k-- {
		}
	case p < 800:
		s.traffic()
	case p < 860:
		if n := s.node[i]; n.alive && len(n.sessions) > 0 {
			s.write(n.sessions[s.r.IntN(len(n.sessions))])
		}
	case p < 900:
		s.tick()
	case p < 930:
		if s.node[i].alive && len(s.node[i].sessions) < 6 {
			s.bind(i)
		}
	case p < 950:
		if n := s.node[i]; n.alive && len(n.sessions) > 0 {
			x := n.sessions[s.r.IntN(len(n.sessions))]
			if x.granted && !x.over {
				x.over = true
				n.edge.Unbind(x.sid)
			}
		}
	case p < 975:
		s.connect(i, j)
	case p < 983:
		s.cut(i, j, false)
	case p < 990:
		if s.node[i].alive && i != s.lead {
			old := s.node[s.lead]
			s.elect(i)
			if s.r.IntN(2) == 0 {
				old.reigning = false
				old.leader.Stop()
			}
		}
	case p < 993:
		down := 0
		for _, n := range s.node {
			if !n.alive {
				down++
			}
		}
		if down == 0 {
			s.kill(i)
			if i == s.lead {
				s.elect((i + 1 + s.r.IntN(2)) % 3)
			}
		}
	}
}

// settle heals everything and runs until nothing moves.
func (s *sim) settle() {
	for round := 0; round < 4000; round++ {
		s.now += 10
		s.tick()
		for i := range s.node {
			for j := range s.node {
				s.connect(i, j)
				for s.pump(i, j) {
				}
			}
		}
		for i, n := range s.node {
			if i != s.lead && n.reigning {
				n.reigning = false
				n.leader.Stop()
			}
			for _, x := range n.sessions {
				s.write(x)
			}
		}
	}
}

// wasAbsent reports whether a stanza was ever with an edge that an epoch went on without.
func (s *sim) wasAbsent(stanza string) bool {
	for _, o := range s.fate[stanza].owners {
		if s.absent[o] {
			return true
		}
	}
	return false
}

func (s *sim) check() {
	seen := make(map[string]delivery)
	last := make(map[string]uint64)
	for _, d := range s.log {
		if s.died[d.inc] {
			continue // the recipient's node did not survive
		}
		if p, ok := seen[d.stanza]; ok && !s.wasAbsent(d.stanza) {
			s.fail("stanza %s delivered to %s on %v and to %s on %v", d.stanza, p.jid, p.inc, d.jid, d.inc)
		}
		seen[d.stanza] = d
		key := d.lane + ">" + d.jid
		if s.wasAbsent(d.stanza) {
			continue
		}
		if d.n <= last[key] {
			s.fail("stanza %s reached %s after number %d of its lane", d.stanza, d.jid, last[key])
		}
		last[key] = d.n
	}
	for k, ft := range s.fate {
		_, got := seen[k]
		excused := s.died[ft.lane.n.inc] || ft.lane.over && !got
		for _, o := range ft.owners {
			excused = excused || s.died[o]
		}
		if !got && ft.errors == 0 && ft.bounced == 0 && !excused {
			s.fail("stanza %s to %s is lost (owners %v)", k, ft.to, ft.owners)
		}
		excused = excused || s.wasAbsent(k)
		if got && ft.errors > 0 && ft.bounced == 0 && !excused {
			s.fail("stanza %s was delivered and answered with an error", k)
		}
	}
	for i, n := range s.node {
		if f, b, _ := n.edge.Source.Kept(); f > 0 {
			s.fail("node %s still keeps %d frames, %d bytes, after everything healed", s.id(i), f, b)
		}
		for sid, o := range n.edge.Owner.sessions {
			if o.state != live {
				s.fail("session %v of node %s is stuck in state %d", sid, s.id(i), o.state)
			}
		}
	}
}

func runSim(t *testing.T, seed uint64) (stanzas, delivered int) {
	s := &sim{t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 1)), now: 1_000_000, node: make([]*simNode, 3),
		link: make(map[[2]int]*simLink), fate: make(map[string]*fate), died: make(map[Inc]bool), absent: make(map[Inc]bool)}
	for i := range s.node {
		s.node[i] = &simNode{sim: s, i: i}
	}
	for i := range s.node {
		s.boot(i)
	}
	for i := range s.node {
		for j := range s.node {
			s.connect(i, j)
		}
	}
	s.elect(0)
	for range 1500 {
		s.step()
	}
	if !s.node[s.lead].alive {
		s.node[s.lead].restart = s.now
	}
	s.tick()
	s.elect(s.lead)
	s.settle()
	s.check()
	return len(s.fate), len(s.log)
}

// TestM2_5_Simulation runs the real source, owner and leader machines through
// random kills, link losses, leader changes and session closes, and checks the
// invariants of cluster-protocol.md after each run.
func TestM2_5_Simulation(t *testing.T) {
	var stanzas, delivered int
	for seed := range uint64(*simRuns) {
		a, b := runSim(t, seed)
		stanzas += a
		delivered += b
	}
	t.Logf("%d runs, %d stanzas, %d deliveries: none doubled, none reordered, none lost without an error", *simRuns, stanzas, delivered)
	if delivered == 0 {
		t.Fatal("the simulation delivered nothing")
	}
}
