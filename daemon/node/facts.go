package node

import (
	"strings"

	"quorate.org/daemon/replica"
	"quorate.org/daemon/sasl"
)

// facts is the replicated state as forwarding reads it.
type facts struct{ state func() *replica.State }

func (f facts) Domain() string { return f.state().Domain }

func (f facts) CallBridge(name string) bool {
	_, ok := f.state().CallBridge(name)
	return ok
}

func (f facts) CallBridges() []string {
	var names []string
	for _, b := range f.state().SortedCallBridges() {
		names = append(names, strings.ToLower(b.Name))
	}
	return names
}

// accounts is the replicated state as sign-in reads it.
type accounts struct{ state func() *replica.State }

func (a accounts) Domain() string { return a.state().Domain }

func (a accounts) ComponentSecret(name string) (string, bool) {
	b, ok := a.state().CallBridge(name)
	return b.Secret, ok
}

func (a accounts) Credentials(local string) (sasl.Credentials, bool) {
	s := a.state()
	x, ok := s.Accounts[local]
	if key := s.Decoys(); !ok && len(key) > 0 { // the same fake salt on every node of a cluster
		return sasl.Decoy(key, local), false
	}
	return sasl.Credentials{SHA1: sasl.Keys(x.SHA1), SHA256: sasl.Keys(x.SHA256)}, ok
}
