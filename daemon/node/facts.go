package node

import (
	"strings"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/sasl"
)

// facts is the replicated state as forwarding reads it.
type facts struct{ state func() *replica.State }

func (f facts) Domain() string { return f.state().Domain }

func (f facts) Serves(domain string) bool { return f.state().Serves(domain) }

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

func (a accounts) Serves(domain string) bool { return a.state().Serves(domain) }

func (a accounts) Credentials(who jid.JID) (sasl.Credentials, bool) {
	x, ok := a.state().AccountOf(who.String())
	return sasl.Credentials{SHA1: sasl.Keys(x.SHA1), SHA256: sasl.Keys(x.SHA256)}, ok
}

func (a accounts) Decoys() []byte { return a.state().Decoys() }
