package node

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/cluster"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/replica"
)

// kept is what this service has in a backup, by part.
type kept struct {
	Identity *cluster.Saved  `json:"identity,omitempty"`
	State    json.RawMessage `json:"state,omitempty"` // as replica.Encode makes it
}

// Save implements org.quorate.Xmpp1. A member that does not know the cluster's
// data yet has no state to keep; its identity it has.
func (n *Node) Save(ctx context.Context, _ bus.Caller) ([]byte, error) {
	i, err := n.instance(ctx)
	if err != nil {
		return nil, err
	}
	s := i.cluster.Save()
	k := kept{Identity: &s}
	if i.learned() == nil {
		k.State = replica.Encode(i.cluster.State().Standalone())
	}
	return json.Marshal(k)
}

// Restore implements org.quorate.Xmpp1.
func (n *Node) Restore(ctx context.Context, _ bus.Caller, data []byte, apply bool) ([]bus.Step, error) {
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, fault.New(fault.Incomplete, "the XMPP data in the backup can not be read: "+err.Error())
	}
	i, err := n.instance(ctx)
	if err != nil {
		return nil, err
	}
	w, steps, err := weigh(i.cluster, k)
	if err != nil || !apply || w.nothing() {
		return steps, err
	}
	return steps, n.transition(ctx, func(c *cluster.Cluster) error { return c.Restore(w.identity, w.state) }, nil)
}

// weighed is what a restore really changes.
type weighed struct {
	identity *cluster.Saved
	state    *replica.State
}

func (w weighed) nothing() bool { return w.identity == nil && w.state == nil }

// weigh checks what is to be restored and says what it changes. A state that can
// not be put back is a step that is not OK; an identity is refused.
func weigh(c *cluster.Cluster, k kept) (w weighed, steps []bus.Step, err error) {
	if k.State != nil {
		s, err := replica.Decode(k.State)
		if err != nil {
			return w, nil, fault.New(fault.Incomplete, "the state in the backup can not be read: "+err.Error())
		}
		step := bus.Step{Name: "state", OK: true, Text: differences(c.State(), s)}
		if err := c.MayReplaceState(); err != nil {
			f := faultOf(err)
			step = bus.Step{Name: "state", Code: f.Code, Text: f.Text, Remedy: f.Remedy}
		} else {
			w.state = s
		}
		steps = append(steps, step)
	}
	if k.Identity == nil {
		return w, steps, nil
	}
	same, err := c.MayRestore(*k.Identity)
	if err != nil {
		return w, nil, err
	}
	if !same {
		w.identity = k.Identity
	}
	return w, append(steps, bus.Step{Name: "identity", OK: true, Text: newIdentity(c, *k.Identity, same)}), nil
}

// newIdentity says who this node becomes.
func newIdentity(c *cluster.Cluster, s cluster.Saved, same bool) string {
	if same {
		return "the same: node ID " + s.NodeID
	}
	text := fmt.Sprintf("the node ID %s becomes %s", c.ID(), s.NodeID)
	if c.ID() == s.NodeID {
		text = "the node ID " + s.NodeID + " stays"
	}
	if s.Roster == nil {
		return text
	}
	var others []string
	for _, m := range s.Roster.SortedMembers() {
		if m.ID != s.NodeID {
			others = append(others, m.Name)
		}
	}
	return fmt.Sprintf("%s, which asks %s to be taken back into the cluster %s; the node of the backup must not run elsewhere", text, strings.Join(others, " and "), s.ClusterID)
}

// differences says what a state changes, without a secret.
func differences(is, will *replica.State) string {
	var parts []string
	if is.Domain != will.Domain {
		parts = append(parts, fmt.Sprintf("the domain %q becomes %q", is.Domain, will.Domain))
	}
	parts = append(parts, changes("further domains", is.Domains, will.Domains)...)
	parts = append(parts, changes("call bridges", is.CallBridges, will.CallBridges)...)
	parts = append(parts, changes("accounts", is.Accounts, will.Accounts)...)
	if parts == nil {
		return "the same"
	}
	return strings.Join(parts, "; ")
}

// changes lists the names that come, go or differ.
func changes[V any](what string, is, will map[string]V) (parts []string) {
	var come, gone, differ []string
	for _, name := range slices.Sorted(maps.Keys(will)) {
		old, had := is[name]
		switch {
		case !had:
			come = append(come, name)
		case fmt.Sprint(old) != fmt.Sprint(will[name]):
			differ = append(differ, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if _, stays := will[name]; !stays {
			gone = append(gone, name)
		}
	}
	for _, p := range []struct {
		names []string
		verb  string
	}{{come, "come"}, {gone, "go"}, {differ, "change"}} {
		if len(p.names) > 0 {
			parts = append(parts, fmt.Sprintf("%s that %s: %s", what, p.verb, strings.Join(p.names, " ")))
		}
	}
	return parts
}

const (
	returnEvery = 2 * time.Second  // how often the members are asked to take a restored node back
	returnWait  = 10 * time.Second // for one round of them
)

// comeBack has a restored node taken back, however long that takes: its
// certificate may come later, and the cluster may be off.
func (n *Node) comeBack(ctx context.Context) {
	tick := time.NewTicker(returnEvery)
	defer tick.Stop()
	told := ""
	for {
		if i := n.inst.Load(); i != nil && i.cluster.Returns() && n.formable() == nil {
			switch err := n.askBack(ctx); {
			case err == nil:
				n.log.Info("the cluster has taken this node back as "+i.cluster.ID(), journal.ID(journal.NodeTakenBack), "node_id", i.cluster.ID())
			case ctx.Err() == nil && err.Error() != told:
				told = err.Error()
				n.log.Warn("the cluster does not take this node back yet", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (n *Node) askBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, returnWait)
	defer cancel()
	return n.transition(ctx, func(c *cluster.Cluster) error {
		if !c.Returns() {
			return fault.New(fault.WrongState, "it was ended meanwhile")
		}
		return c.Return(ctx)
	}, func() error { return cluster.Enter(n.cfg.State) })
}
