package router

import "fmt"

func (s *sim) elect(i int) {
	s.barrier()
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
	x.sid = n.edge.Bind(k.k, k.jid, k.k == Client && s.r.IntN(4) == 0, x, func(ok bool) {
		x.granted = ok
		if ok && k.k == Client {
			if s.bad != nil && s.bad.rough { // broadcast presence waits for absent edges, and the lane with it
				n.edge.Owner.sessions[x.sid].Available = true
				return
			}
			n.submit(x, PresenceAvailable, "")
			if s.r.IntN(2) == 0 {
				n.enable(x)
			}
		}
	})
	n.sessions = append(n.sessions, x)
}

// enable has a session ask for copies (XEP-0280).
func (n *simNode) enable(x *simSession) {
	x.sent++
	n.edge.Submit(&Frame{Class: IQSet, Mark: MarkService, Lane: x.sid, LaneSeq: x.sent, Time: n.sim.now,
		Raw: fmt.Appendf(nil, "<iq type='set' id='e' from='%s'><enable xmlns='urn:xmpp:carbons:2'/></iq>", x.jid)})
}

func (n *simNode) submit(x *simSession, c Class, to string) {
	x.sent++
	lane := fmt.Sprintf("%x.%d", x.sid.Inc[:3], x.sid.N)
	raw := simRaw(c, "-", x.jid, lane, x.sent)
	if to != "" {
		raw = simRaw(c, to, x.jid, lane, x.sent)
		n.sim.fate[simKey(raw)] = &fate{lane: x, class: c, to: to}
	}
	n.edge.Submit(&Frame{Class: c, To: []byte(to), Lane: x.sid, LaneSeq: x.sent, Raw: raw, Time: n.sim.now})
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
	c := MessageChat
	if s.r.IntN(8) == 0 {
		c = MessageHeadline
	}
	n.submit(x, c, to)
}

func (s *sim) step() {
	s.now += s.r.Int64N(4)
	i, j := s.r.IntN(3), s.r.IntN(3)
	p := s.r.IntN(1000)
	if s.bad != nil && s.bad.rough && p%8 == 0 {
		p = 950 + s.r.IntN(33)
	}
	switch {
	case p < 600:
		for k := s.r.IntN(4); k >= 0 && s.pump(i, j); k-- {
		}
	case p < 800:
		s.traffic()
	case p < 830:
		s.commit(s.r.IntN(3) > 0)
	case p < 870:
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
		s.refuses = s.r.IntN(8) == 0
		s.cut(i, j, false)
		s.refuses = false
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
			s.bury(i)
		}
	}
}

// bury kills a node, and another leads where it did.
func (s *sim) bury(i int) {
	s.kill(i)
	if i == s.lead {
		s.elect((i + 1 + s.r.IntN(2)) % 3)
	}
}

// heal lets some time pass with all links up, and moves what they hold.
func (s *sim) heal() {
	s.now += 10
	s.commit(true)
	s.tick()
	for i := range s.node {
		for j := range s.node {
			s.connect(i, j)
			for s.pump(i, j) {
			}
		}
	}
}

// settle heals everything and runs until nothing moves.
func (s *sim) settle() {
	for round := 0; round < 4000; round++ {
		s.heal()
		for i, n := range s.node {
			if i != s.lead && n.reigning {
				n.reigning = false
				n.leader.Stop()
			}
			for _, x := range n.sessions {
				s.write(x)
			}
		}
		if s.quiet() {
			return
		}
	}
}

// quiet reports whether nothing is left that could still move a stanza.
func (s *sim) quiet() bool {
	for _, l := range s.link {
		if len(l.q) > 0 {
			return false
		}
	}
	for _, n := range s.node {
		if n.alive && n.reigning && len(n.leader.told.offline) > 0 {
			return false // the store has not heard of what was delivered
		}
		if f, _, _ := n.edge.Source.Kept(); !n.alive || f > 0 || len(s.asked) > 0 {
			return false
		}
		for _, o := range n.edge.Owner.sessions {
			if o.state != live {
				return false
			}
		}
	}
	_, serving := s.node[s.lead].leader.Serving()
	return serving
}
