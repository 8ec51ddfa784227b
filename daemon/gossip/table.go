package gossip

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/serf/serf"
)

// Status is what gossip knows of a node's health.
type Status string

// The statuses.
const (
	Alive   Status = "alive"
	Failed  Status = "failed"
	Leaving Status = "leaving"
	Left    Status = "left"
)

// Member is one node as gossip sees it.
type Member struct {
	ID       string
	Name     string // host name
	Addr     string // IP address
	Port     int    // of gossip
	Status   Status
	Tags     map[string]string
	LastSeen time.Time // now for a node that is alive, else when it was found not to be
}

// table folds serf's events into a list. The goroutine of drain owns the fold;
// the list is published as a value.
type table struct {
	list    atomic.Pointer[[]Member]
	changes chan struct{} // holds one: more changes while one is pending are the same call
}

func newTable() *table {
	t := &table{changes: make(chan struct{}, 1)}
	t.list.Store(&[]Member{})
	return t
}

// drain reads events until done. It must never call serf: serf sends an event
// while it holds the lock that its methods take, and a stalled channel stalls
// gossip.
func (t *table) drain(events <-chan serf.Event, done <-chan struct{}) {
	nodes := map[string]Member{}
	for {
		select {
		case e := <-events:
			if m, ok := e.(serf.MemberEvent); ok {
				fold(nodes, m, time.Now())
				t.publish(nodes)
			}
		case <-done:
			return
		}
	}
}

func fold(nodes map[string]Member, e serf.MemberEvent, now time.Time) {
	for _, m := range e.Members {
		if e.Type == serf.EventMemberReap {
			delete(nodes, m.Name)
			continue
		}
		nodes[m.Name] = member(m, now)
	}
}

func member(m serf.Member, now time.Time) Member {
	addr, _ := netip.AddrFromSlice(m.Addr) // memberlist made it from an address; the zero value shows as invalid
	n := Member{
		ID:       m.Name,
		Name:     m.Tags[tagName],
		Addr:     addr.Unmap().String(),
		Port:     int(m.Port),
		Status:   Status(m.Status.String()),
		Tags:     maps.Clone(m.Tags),
		LastSeen: now,
	}
	delete(n.Tags, tagName)
	return n
}

func (t *table) publish(nodes map[string]Member) {
	list := slices.SortedFunc(maps.Values(nodes), func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	t.list.Store(&list)
	select {
	case t.changes <- struct{}{}:
	default:
	}
}

func (t *table) announce(onChange func(), done <-chan struct{}) {
	for {
		select {
		case <-t.changes:
			if onChange != nil {
				onChange()
			}
		case <-done:
			return
		}
	}
}

// members returns a copy of the list, with the living seen now.
func (t *table) members() []Member {
	list := slices.Clone(*t.list.Load())
	now := time.Now()
	for i := range list {
		list[i].Tags = maps.Clone(list[i].Tags)
		if list[i].Status == Alive {
			list[i].LastSeen = now
		}
	}
	return list
}
