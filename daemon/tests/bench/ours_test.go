package bench

import (
	"sync"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// ours is the cluster that the walkthrough formed: clients are at all three nodes,
// a flow goes between the followers, by way of the leader.
func (b *bench) ours() server {
	b.t.Helper()
	leader, others, err := b.lab.Leader(b.t.Context())
	must(b.t, err)
	for _, n := range b.lab.Members() { // all clients have one address
		_, err := n.Exec(b.t.Context(), "config set xmpp.max_connections_per_address 100000")
		must(b.t, err)
	}
	var names []string
	for _, a := range b.accounts {
		names = append(names, a.Local)
	}
	labtest.Accounts(b.t, b.lab, names)
	order := []*lab.Node{others[0], leader, others[1]}
	return server{name: "ours", nodes: order, at: clientPorts(order)}
}

func clientPorts(nodes []*lab.Node) (at []string) {
	for _, n := range nodes {
		at = append(at, n.Addr()+":5222")
	}
	return at
}

// eachAccount calls f for each account, a few at a time.
func (b *bench) eachAccount(f func(name string) error) {
	b.t.Helper()
	var all sync.WaitGroup
	names := make(chan string)
	for range 8 {
		all.Go(func() {
			for name := range names {
				if err := f(name); err != nil {
					b.t.Errorf("adding %s: %v", name, err)
				}
			}
		})
	}
	for _, a := range b.accounts {
		names <- a.Local
	}
	close(names)
	all.Wait()
	if b.t.Failed() {
		b.t.FailNow()
	}
}
