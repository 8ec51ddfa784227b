package cluster

import (
	"context"
	"sync"

	"quorate.org/daemon/replica"
)

// reply is one member's answer to a question that all were asked.
type reply[T any] struct {
	member replica.Member
	body   T
	err    error // of the call: there is no answer
}

// askAll asks every other member the same, all at once, as long as ctx lets it.
// The replies are in the order of the node IDs.
func askAll[T any](ctx context.Context, c *Cluster, method string, in any) []reply[T] {
	var replies []reply[T]
	for _, m := range c.roster().SortedMembers() {
		if m.ID != c.id.ID {
			replies = append(replies, reply[T]{member: m})
		}
	}
	var asking sync.WaitGroup
	for i := range replies {
		r := &replies[i]
		asking.Go(func() { r.err = c.mesh.CallMember(ctx, r.member.ID, method, in, &r.body) })
	}
	asking.Wait()
	return replies
}
