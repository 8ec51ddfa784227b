package router

import (
	"slices"
	"testing"
)

// mutant is a fault built into the simulated machines, to prove that the
// checker finds it.
type mutant struct {
	name string
	// want are the kinds of fault it must show as, one of them at least.
	want []string
	// accepted runs behind an owner's acceptance.
	accepted func(n *simNode, m Msg)
	// before changes a message of a leader before the edge sees it.
	before func(n *simNode, from *NodeID, m *Msg)
	// resend: a link that comes back goes on in the epoch it was lost in; the
	// source repeats what is not resolved, and nobody re-synchronises.
	resend bool
	// rough: links come and go more often than in the simulation proper, for
	// faults that take several losses to show.
	rough bool
	// seed is where the simulation begins to look: some take long.
	seed uint64
	// each runs before each step of the simulation of resumption.
	each func(s *sim)
}

var mutants = []mutant{
	{
		name: "high-water mark instead of the exact set", want: []string{"lost"},
		accepted: func(n *simNode, m Msg) {
			set := n.edge.Owner.seen[m.Frame.ID.Inc]
			if set == nil { // of the offline store
				return
			}
			for q := set.low; q < m.Frame.ID.Seq; q++ {
				set.add(q, 0)
			}
		},
	},
	{name: "resending without re-synchronising", want: []string{"reordered"}, resend: true, rough: true, seed: 300},
	{
		name: "no fence", want: []string{"fence"},
		before: func(n *simNode, from *NodeID, m *Msg) {
			if m.Type == MsgDeliver {
				*from, m.Epoch = n.edge.leader, n.edge.epoch
			}
		},
	},
	{
		name: "no report of what was accepted", want: []string{"doubled", "reordered", "contradicted"},
		before: func(n *simNode, _ *NodeID, m *Msg) {
			if m.Type == MsgOpen {
				n.edge.Owner.seen = make(map[Inc]*seenSet)
			}
		},
	},
	{
		name: "a closed session is forgotten before the store knows what it took", want: []string{"doubled"}, seed: 2960,
		before: func(n *simNode, _ *NodeID, _ *Msg) {
			for _, o := range n.edge.Owner.sessions {
				if o.state == closed {
					n.edge.forget(o.SID)
				}
			}
		},
	},
	{
		name: "overtaken frames are sent again", want: []string{"reordered"}, rough: true, seed: 9500,
		before: func(n *simNode, _ *NodeID, m *Msg) {
			if m.Type == MsgGo {
				for i := range n.edge.Source.queue {
					n.edge.Source.queue[i].key = n.edge.Source.low + uint64(i) // never that of another
				}
			}
		},
	},
}

// edgeReceive hands an edge a message of a leader, as the mutant has it.
func (s *sim) edgeReceive(n *simNode, from NodeID, m Msg) {
	if s.bad != nil && s.bad.before != nil {
		s.bad.before(n, &from, &m)
	}
	n.edge.Receive(from, m)
}

// resend goes on over a link that was lost, as the mutant has it; false when it
// is a link of processes that do not know each other.
func (s *sim) resend(i, j int) bool {
	l := s.link[[2]int{i, j}]
	if !l.lost {
		return false
	}
	for _, x := range [][2]int{{i, j}, {j, i}} {
		if e := s.node[x[0]].edge; e.leader == s.id(x[1]) && e.going {
			e.Source.Go(&Go{}, e.sendFrame, e.giveUp)
		}
	}
	return true
}

// TestSimulationHasTeeth: the simpler rules that cluster-protocol.md warns of,
// and the omission of others, are found by the same simulation and checker.
func TestSimulationHasTeeth(t *testing.T) {
	bite(t, mutants, 20000, func(seed uint64, m *mutant) *simFault { return newSim(seed, m).run() })
}

// bite checks that each mutant is caught in some of so many histories.
func bite(t *testing.T, mutants []mutant, tries uint64, play func(seed uint64, m *mutant) *simFault) {
	for i := range mutants {
		m := &mutants[i]
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for seed := range tries {
				if f := play(m.seed+seed, m); f != nil && slices.Contains(m.want, f.kind) {
					t.Logf("caught in run %d: %v", seed+1, f)
					return
				}
			}
			t.Errorf("not caught in %d runs", tries)
		})
	}
}

// TestRoughSimulation is the control: where links come and go as often as for
// the mutants, the machines as they are have no fault.
func TestRoughSimulation(t *testing.T) {
	for seed := range uint64(*simRuns / 5) {
		if f := newSim(seed, &mutant{rough: true}).run(); f != nil {
			t.Fatal(f)
		}
	}
}
