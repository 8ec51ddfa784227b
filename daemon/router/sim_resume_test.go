package router

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// simClient is a client that outlives the nodes: it resumes its session wherever
// it can (XEP-0198), sends again what was not handled, and drops nothing.
type simClient struct {
	sim   *sim
	name  string
	jid   string
	token string

	x      *simSession // its stream; nil while it has none
	asking *simSession // the one that it asks to resume on
	name1  SID         // of that request
	began  bool        // it has a session

	sent    uint64 // stanzas so far
	acked   uint32 // … that the server handled
	unacked []simSent
	h       uint32   // stanzas that it received
	got     []string // their keys
}

type simSent struct {
	class Class
	to    string
	raw   []byte
}

// bindClient begins a client's session.
func (s *sim) bindClient(c *simClient, n *simNode) {
	x := &simSession{n: n, jid: c.jid, client: c}
	c.asking, c.token = x, fmt.Sprint("token ", s.r.Uint64())
	x.sid = n.edge.BindResumable(Client, c.jid, false, Resumable{Token: c.token, Patience: 60_000, Bound: 1 << 20}, x, func(ok bool) {
		if !ok || c.asking != x {
			return
		}
		c.x, c.asking, c.began, x.granted = x, nil, true, true
		c.say(PresenceAvailable, "")
	})
}

// resumeClient asks for it at another stream.
func (s *sim) resumeClient(c *simClient, n *simNode) {
	x := &simSession{n: n, jid: c.jid, client: c}
	c.asking = x
	bare, _, _ := strings.Cut(c.jid, "/")
	c.name1 = n.edge.Resume(c.token, bare, c.h, x, func(r Resumption) {
		if c.asking != x {
			s.fail("stray", "%s is granted what it does not ask for", c.name)
		}
		c.asking = nil
		switch {
		case r.TooHigh:
			s.fail("miscounted", "%s has %d stanzas and was sent %d", c.name, c.h, r.Sent)
		case !r.OK:
			s.fail("expired", "%s can not resume: %s", c.name, r.Reason)
		}
		c.x, x.sid, x.sent, x.granted = x, r.SID, r.Last, true
		c.handled(r.H)
		for _, m := range c.unacked {
			c.submit(m)
		}
	})
}

// say sends a stanza, now or with the next stream.
func (c *simClient) say(class Class, to string) {
	c.sent++
	raw := simRaw(class, to, c.jid, c.name, c.sent)
	if to == "" {
		raw = simRaw(class, "-", c.jid, c.name, c.sent)
	} else {
		c.sim.fate[simKey(raw)] = &fate{class: class, to: to}
	}
	m := simSent{class, to, raw}
	c.unacked = append(c.unacked, m)
	if c.x != nil {
		c.submit(m)
	}
}

func (c *simClient) submit(m simSent) {
	x := c.x
	x.sent++
	x.n.edge.Submit(&Frame{Class: m.class, To: []byte(m.to), Lane: x.sid, LaneSeq: x.sent, Raw: m.raw, Time: c.sim.now})
}

// handled forgets what the server has handled.
func (c *simClient) handled(h uint32) {
	n := h - c.acked
	if n > uint32(len(c.unacked)) {
		c.sim.fail("miscounted", "%s is told that %d of its %d stanzas are handled, after %d", c.name, h, c.sent, c.acked)
	}
	c.unacked, c.acked = c.unacked[n:], h
}

// hear takes the next element of the stream.
func (c *simClient) hear(x *simSession) {
	raw := x.out[0]
	x.out = x.out[1:]
	var h uint32
	switch {
	case string(raw) == "r":
		if c.x == x {
			x.n.edge.Acked(x.sid, c.h)
		}
	case strings.HasPrefix(string(raw), "a "):
		fmt.Sscan(string(raw[2:]), &h)
		c.handled(h)
	default:
		c.h++
		if k := simKey(raw); k != "" {
			f := simFields(raw)
			if f[0] == fmt.Sprint(MessageError) {
				k = "error " + k
			}
			c.got = append(c.got, k)
		}
	}
}

// lose ends a stream: some first part of what was on it has come through.
func (c *simClient) lose(x *simSession) {
	for k := c.sim.r.IntN(len(x.out) + 1); k > 0 && len(x.out) > 0; k-- {
		c.hear(x)
	}
	x.over, x.out = true, nil
	if c.x == x {
		c.x = nil
	}
	if c.asking == x {
		c.asking = nil
	}
}

// whole reports whether a node may be lost without harm: all are there, the leader
// serves, and there are two copies of everything.
func (s *sim) whole() bool {
	l := s.node[s.lead].leader
	for i, n := range s.node {
		if !n.alive || i != s.lead && n.reigning {
			return false
		}
	}
	for _, k := range s.link {
		if !k.up {
			return false
		}
	}
	if _, serving := l.Serving(); !serving || l.readmit != 0 || l.mirror.holder == nil || l.mirror.last > l.mirror.confirmed {
		return false
	}
	for _, p := range l.peers {
		if !p.synced {
			return false
		}
	}
	for _, x := range l.sessions {
		for _, n := range s.node {
			if o := n.edge.Owner.sessions[x.SID]; o != nil && x.edge.inc == n.inc && x.Record != nil && n.had[x.SID] > x.Sent {
				return false // what it had when the epoch began is on its way yet
			}
		}
		if x.orphan || x.move != nil || x.former != nil {
			return false
		}
	}
	for _, n := range s.node {
		if _, _, going := n.edge.Leader(); !going {
			return false
		}
	}
	return true
}

// tend has the clients hear, and come back.
func (s *sim) tend(eager bool) {
	for _, c := range s.clients {
		for _, x := range []*simSession{c.x, c.asking} {
			if x != nil && (x.over || !x.n.alive) {
				c.lose(x)
			}
		}
		if c.x == nil && c.asking == nil && (eager || s.r.IntN(4) == 0) {
			if n := s.node[s.r.IntN(3)]; n.alive {
				if c.began {
					s.resumeClient(c, n)
				} else {
					s.bindClient(c, n)
				}
			}
		}
		for c.x != nil && len(c.x.out) > 0 && (eager || s.r.IntN(3) > 0) {
			c.hear(c.x)
		}
	}
}

func (s *sim) stepResume() {
	s.now += s.r.Int64N(8) / 7 * 4 // an edge is not slower than syncWait
	c := s.clients[s.r.IntN(len(s.clients))]
	i, j := s.r.IntN(3), s.r.IntN(3)
	switch p := s.r.IntN(1000); {
	case p < 620:
		for k := s.r.IntN(12); k >= 0 && s.pump(i, j); k-- {
		}
	case p < 760:
		if c.began {
			to := []string{"u@d/1", "u@d/2", "v@d/1", "v@d", "nobody@d", "c9.d"}[s.r.IntN(6)]
			c.say(MessageChat, to)
		}
	case p < 780:
		s.commit(s.r.IntN(3) > 0)
	case p < 880:
		s.tend(false)
	case p < 900:
		if c.x != nil {
			c.x.n.edge.Wants(c.x.sid)
		}
	case p < 930:
		s.tick()
	case p < 945: // the client's own connection breaks
		if x := c.x; x != nil {
			c.lose(x)
			if s.r.IntN(2) == 0 { // else the node has not noticed
				x.n.edge.Detach(x.sid)
			}
		}
	case p < 975:
		s.connect(i, j)
	case p < 981:
		if s.whole() && i != j {
			s.cut(i, j, false)
		}
	case p < 986:
		if s.whole() && i != s.lead {
			old := s.node[s.lead]
			s.elect(i)
			old.reigning = false
			old.leader.Stop()
		}
	case p < 993:
		if s.whole() {
			s.bury(i)
		}
	}
}

// settleResume heals everything, until nothing moves and every client has what is
// for it.
func (s *sim) settleResume() {
	for round := 0; round < 4000; round++ {
		s.heal()
		s.tend(true)
		still := s.quiet() && s.whole()
		for _, c := range s.clients {
			if c.x == nil || len(c.x.out) > 0 {
				still = false
			} else if len(c.unacked) > 0 {
				still = false
				c.x.n.edge.Wants(c.x.sid)
			}
		}
		if still {
			return
		}
	}
	s.fail("stuck", "clients %v", s.standing())
}

func (s *sim) standing() (list []string) {
	for _, c := range s.clients {
		list = append(list, fmt.Sprintf("%s: stream %v, asks %v, %d not acknowledged", c.name, c.x != nil, c.asking != nil, len(c.unacked)))
	}
	return list
}

// checkResume: every stanza came once, to one client, in order; or its sender was
// told that it did not.
func (s *sim) checkResume() {
	where, last := map[string]string{}, map[string]uint64{}
	errors := map[string]int{}
	for _, c := range s.clients {
		for _, k := range c.got {
			if k, ok := strings.CutPrefix(k, "error "); ok {
				errors[k]++
				continue
			}
			if strings.HasPrefix(k, "-") || s.fate[k] == nil {
				continue
			}
			if w, ok := where[k]; ok {
				s.fail("doubled", "%s came to %s and to %s", k, w, c.name)
			}
			where[k] = c.name
			lane, number, _ := strings.Cut(k, " ")
			var n uint64
			fmt.Sscan(number, &n)
			key := lane + ">" + c.name + ">" + s.fate[k].to
			if s.fate[k].stored { // which only an available session empties
				key += " stored"
			}
			if n <= last[key] {
				s.fail("reordered", "%s came to %s after %d", k, c.name, last[key])
			}
			last[key] = n
		}
	}
	for k, ft := range s.fate {
		_, came := where[k]
		switch told := errors[k]; {
		case s.kept(k) && !came && told == 0:
		case !came && told+ft.bounced == 0:
			s.fail("lost", "%s to %s is lost", k, ft.to)
		case came && told > 0 && ft.bounced == 0:
			s.fail("contradicted", "%s came to %s and was answered with an error", k, where[k])
		case told > 1:
			s.fail("doubled", "%s was answered with %d errors", k, told)
		}
	}
}

func newResumeSim(seed uint64, bad *mutant) *sim {
	s := newSim(seed, bad)
	s.r = rand.New(rand.NewPCG(seed, 2))
	for i, jid := range []string{"u@d/1", "u@d/2", "v@d/1"} {
		s.clients = append(s.clients, &simClient{sim: s, name: fmt.Sprint("client", i), jid: jid})
	}
	return s
}

func (s *sim) runResume() *simFault { return s.caught(s.resumptions) }

func (s *sim) resumptions() {
	for range 4000 {
		if bad := s.bad; bad != nil && bad.each != nil {
			bad.each(s)
		}
		s.stepResume()
	}
	s.settleResume()
	s.checkResume()
}

// TestM5_3_ResumptionSimulation has clients resume at any node while nodes are
// killed, links are cut and leaders change, one fault at a time: each stanza comes
// once and in order, or its sender is told.
func TestM5_3_ResumptionSimulation(t *testing.T) {
	var mu sync.Mutex
	var next uint64
	var stanzas, resumed int
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				mu.Lock()
				seed := next
				next++
				mu.Unlock()
				if seed >= uint64(*simRuns/20) || t.Failed() {
					return
				}
				s := newResumeSim(seed, nil)
				if f := s.runResume(); f != nil {
					t.Error(f)
					return
				}
				mu.Lock()
				for _, c := range s.clients {
					stanzas += len(c.got)
					resumed += int(s.node[s.lead].leader.tokens[c.token].Gen)
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	t.Logf("M5.3 %d runs, %d stanzas received, %d moves of sessions between nodes", *simRuns/20, stanzas, resumed)
	if stanzas == 0 || resumed == 0 {
		t.Fatal("the simulation did nothing")
	}
}

// resumptionMutants leave out what rules 10 and 11 ask for.
var resumptionMutants = []mutant{
	{
		name: "out before the holder has it", want: []string{"lost", "doubled", "miscounted", "expired", "reordered"},
		each: func(s *sim) {
			if l := s.node[s.lead].leader; l.mirror.holder != nil {
				l.confirm(s.now, l.mirror.holder, l.mirror.sent)
			}
		},
	},
	{
		name: "the names stay behind", seed: 480, want: []string{"doubled", "reordered", "contradicted"},
		before: func(_ *simNode, _ *NodeID, m *Msg) {
			if m.Type != MsgAdopt {
				return
			}
			c := m.Claim.copied()
			c.Past = nil
			for i := range c.Queue {
				c.Queue[i].ID = FrameID{Inc: LeaderInc}
			}
			m.Claim = &c
		},
	},
	{
		name: "what the dead edge had sent is forgotten", want: []string{"lost"},
		each: func(s *sim) {
			for _, x := range s.node[s.lead].leader.orphans() {
				x.Frames = nil
			}
		},
	},
	{
		name: "one copy only", want: []string{"expired"},
		each: func(s *sim) {
			for _, n := range s.node {
				n.edge.held = nil
			}
		},
	},
}

// TestResumptionHasTeeth: they are found.
func TestResumptionHasTeeth(t *testing.T) {
	bite(t, resumptionMutants, 3000, func(seed uint64, m *mutant) *simFault { return newResumeSim(seed, m).runResume() })
}
