package router

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/replica"
)

var simRuns = flag.Int("sim.runs", runsByDefault, "random runs of the forwarding simulation")

// The simulation drives the real machines of three nodes with a scheduler that
// drops links, kills and restarts processes, changes leaders (leaving the old
// one to believe in itself), closes and rebinds sessions, and delays messages.
type sim struct {
	seed   uint64
	bad    *mutant // a fault built in on purpose; nil for none
	r      *rand.Rand
	now    int64
	term   uint64
	lead   int
	node   []*simNode
	link   map[[2]int]*simLink // directed; [i][i] is the node's own edge
	fate   map[string]*fate    // stanza → what became of it
	log    []delivery
	copies []delivery
	// refuses: a firewall resets the link and refuses the next, as if the
	// process at its other end were gone.
	refuses bool
	store   *replica.State
	asked   []simCommand               // on their way to it
	filed   map[string][]archive.Entry // what it filed, by account
	died    map[Inc]bool
	// absent has the edges an epoch went on without though they lived: their
	// reports were missing, so a fresh bind elsewhere may repeat what they took.
	absent map[Inc]bool

	clients []*simClient // in the simulation of resumption
}

type simLink struct {
	up   bool
	lost bool // it was up before it was cut
	q    []simMsg
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
	had      map[SID]uint64 // what clients had sent at the last GO
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
	client  *simClient // of a resumable session
}

type fate struct {
	lane    *simSession
	class   Class
	to      string
	owners  []Inc  // who accepted it, in its session or box
	first   string // the address of the first of these sessions
	errors  int
	bounced int
	// returned: a closed session handed it back and another has it now.
	returned bool
	// stored: it went through the offline store, which only an available session
	// empties, so what is for a full JID may come before it.
	stored bool
}

type delivery struct {
	stanza, jid, lane string
	n                 uint64
	inc               Inc
	sid               SID
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
func (s *simSession) Shut(string)        { s.over = true }
func (s *simSession) Ack(h uint32)       { s.out = append(s.out, fmt.Appendf(nil, "a %d", h)) }
func (s *simSession) Room(int, int) bool { return true }
func (s *simSession) Ask()               { s.out = append(s.out, []byte("r")) }

// A simulated stanza says "class to from lane n" in its body.
func simRaw(c Class, to, from, lane string, n uint64) []byte {
	return fmt.Appendf(nil, "<message from='%s' to='%s'><body> %d %s %s %s %d </body></message>", from, to, c, to, from, lane, n)
}

// simFields reads what simRaw wrote; nil for what a machine made by itself.
func simFields(raw []byte) []string {
	_, body, _ := strings.Cut(string(raw), "<body>")
	body, _, ok := strings.Cut(body, "</body>")
	if !ok {
		return nil
	}
	return strings.Fields(body)
}

func simParse(raw []byte) (c Class, ok bool) {
	f := simFields(raw)
	if f == nil {
		return 0, false
	}
	fmt.Sscan(f[0], &c)
	return c, true
}

func simKey(raw []byte) string {
	f := simFields(raw)
	if f == nil {
		return ""
	}
	return f[3] + " " + f[4]
}

func (n *simNode) rules() *Rules {
	return &Rules{
		Serves:    func(d []byte) bool { return string(d) == "d" },
		State:     func() *replica.State { return n.sim.store },
		Propose:   func(c replica.Command) { n.sim.asked = append(n.sim.asked, simCommand{n, c}) },
		Component: func(d []byte) bool { return strings.HasSuffix(string(d), ".d") },
		Answer:    func(*Frame) []byte { return nil },
		Archive:   func(string) archive.Scan { return func(uint64, func(archive.Stored) bool) {} },
		Policy:    n.sim.policy,
		Wall:      func() int64 { return n.sim.now },
		Error: func(f *Frame, _ Condition) (raw, to []byte) {
			x := simFields(f.Raw)
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
	toLeader := m.Type.FromEdge()
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
	n.leader = NewLeader(s.id(i), n.rules(), simOut{n})
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
	if s.bad != nil && s.bad.resend && s.resend(i, j) {
		return
	}
	s.node[i].leader.LinkUp(s.now, s.id(j))
	s.node[j].leader.LinkUp(s.now, s.id(i))
}

func (s *sim) cut(i, j int, dead bool) {
	a, b := s.link[[2]int{i, j}], s.link[[2]int{j, i}]
	if i == j {
		return
	}
	was := a.up
	*a, *b = simLink{lost: was}, simLink{lost: was}
	if s.bad != nil && s.bad.resend && !dead {
		return
	}
	for _, x := range [][2]int{{i, j}, {j, i}} {
		if n := s.node[x[0]]; n.alive && (was || dead) {
			n.edge.LinkDown(s.id(x[1]))
			n.leader.LinkDown(s.now, s.id(x[1]), s.refuses || dead && !s.node[x[1]].alive)
		}
	}
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
	s.edgeReceive(n, s.id(i), m.m)
	if m.m.Type == MsgGo {
		n.had = make(map[SID]uint64)
		for sid, o := range n.edge.Owner.sessions {
			n.had[sid] = o.Sent
		}
	}
	return true
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

func newSim(seed uint64, bad *mutant) *sim {
	s := &sim{seed: seed, bad: bad, r: rand.New(rand.NewPCG(seed, 1)), now: 1_000_000, node: make([]*simNode, 3),
		link: make(map[[2]int]*simLink), fate: make(map[string]*fate), died: make(map[Inc]bool), absent: make(map[Inc]bool)}
	s.store, s.filed = simStore(), make(map[string][]archive.Entry)
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
	return s
}

// caught is the fault that a checker finds in a history that begins with a leader.
func (s *sim) caught(history func()) (found *simFault) {
	defer func() {
		switch f := recover().(type) {
		case nil:
		case *simFault:
			found = f
		default:
			panic(f)
		}
	}()
	s.elect(0)
	history()
	return nil
}

// run goes through one random history and returns what the checker found.
func (s *sim) run() *simFault { return s.caught(s.history) }

func (s *sim) history() {
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
}

// TestM2_5_Simulation runs the real source, owner and leader machines through
// random kills, link losses, leader changes and session closes, and checks the
// invariants of cluster-protocol.md after each run.
func TestM2_5_Simulation(t *testing.T) {
	var mu sync.Mutex
	var stanzas, delivered, copied int
	var next uint64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				mu.Lock()
				seed := next
				next++
				mu.Unlock()
				if seed >= uint64(*simRuns) || t.Failed() {
					return
				}
				s := newSim(seed, nil)
				if f := s.run(); f != nil {
					t.Error(f)
					return
				}
				mu.Lock()
				stanzas += len(s.fate)
				delivered += len(s.log)
				copied += len(s.copies)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	t.Logf("%d runs, %d stanzas, %d deliveries, %d copies: none doubled, none reordered, none lost without an error", *simRuns, stanzas, delivered, copied)
	if delivered == 0 || copied == 0 {
		t.Fatal("the simulation delivered nothing")
	}
}
