package cluster

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"quorate.org/daemon/consensus"
)

// stagger keeps the followers of a dead leader from standing at once: the next
// in order stands this much later. Without it the vote splits half the time.
const stagger = 40 * time.Millisecond

// suspicion is one voter's word that the leader of a term is dead: its link was
// reset and a new one refused.
type suspicion struct {
	Leader    string `json:"leader"`
	Term      uint64 `json:"term"`
	LastIndex uint64 `json:"last"` // of the voter's log
}

// suspect tells the others that the leader's process is gone, and stands when a
// majority says the same. "Refused" can also be a firewall's word, so one node's
// is never enough.
func (c *Cluster) suspect(id string) {
	s := c.node.Status()
	if s.LeaderID != id || s.Role != consensus.Follower {
		return
	}
	mine := suspicion{Leader: id, Term: s.Term, LastIndex: s.LastIndex}
	b, err := json.Marshal(mine)
	if err != nil {
		return
	}
	c.mu.Lock()
	c.suspects[c.id.ID] = mine
	c.mu.Unlock()
	for _, voter := range s.Voters {
		if voter != c.id.ID && voter != id {
			c.mesh.Send(voter, func(out []byte) []byte { return append(append(out, suspectMark), b...) })
		}
	}
	c.mesh.Flush(true)
	c.agree(mine)
}

// heard takes another voter's word.
func (c *Cluster) heard(from string, b []byte) {
	var s suspicion
	if json.Unmarshal(b, &s) != nil {
		return
	}
	c.mu.Lock()
	c.suspects[from] = s
	mine, ok := c.suspects[c.id.ID]
	c.mu.Unlock()
	if ok && mine.Leader == s.Leader && mine.Term == s.Term {
		c.agree(mine)
	}
}

// agree stands, in order, once a majority of the voters suspects.
func (c *Cluster) agree(mine suspicion) {
	s := c.node.Status()
	if s.Term != mine.Term || s.LeaderID != mine.Leader || !slices.Contains(s.Voters, c.id.ID) {
		return
	}
	type voice struct {
		id   string
		last uint64
	}
	var voices []voice
	c.mu.Lock()
	for _, v := range s.Voters {
		if x, ok := c.suspects[v]; ok && x.Leader == mine.Leader && x.Term == mine.Term && v != mine.Leader {
			voices = append(voices, voice{v, x.LastIndex})
		}
	}
	enough := 2*len(voices) > len(s.Voters) && !c.spared[mine.Term]
	if enough {
		c.spared[mine.Term] = true
	}
	c.mu.Unlock()
	if !enough {
		return
	}
	slices.SortFunc(voices, func(a, b voice) int { // the longest log first, then the lowest ID
		return cmp.Or(cmp.Compare(b.last, a.last), cmp.Compare(a.id, b.id))
	})
	place := slices.IndexFunc(voices, func(v voice) bool { return v.id == c.id.ID })
	c.stand(mine, time.Duration(place)*stagger)
}

// stand stands after a while. A word of another voter may still come while
// everything ends: then nothing is begun any more.
func (c *Cluster) stand(mine suspicion, after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return
	}
	c.running.Go(func() {
		select {
		case <-time.After(after):
		case <-c.ctx.Done():
			return
		}
		if err := c.node.Stand(mine.Term, mine.Leader); err != nil {
			c.log.Debug("not standing", "error", err)
		}
	})
}

// reconsider forgets suspicions of terms gone by.
func (c *Cluster) reconsider() {
	term := c.node.Status().Term
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, s := range c.suspects {
		if s.Term < term {
			delete(c.suspects, id)
		}
	}
	for t := range c.spared {
		if t < term {
			delete(c.spared, t)
		}
	}
}
