package local

import (
	"testing"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
	"quorate.org/daemon/internal/lab/labtest"
)

// rss returns the resident memory of the node's xmppd in bytes.
func rss(t *testing.T, n *lab.Node) int {
	t.Helper()
	bytes, err := n.Memory("xmppd")
	must(t, err)
	return bytes
}

// sleeper signs a client in that stops reading after the bind, and returns its
// full JID.
func sleeper(t *testing.T, l *lab.Lab, at *lab.Node) string {
	t.Helper()
	labtest.Account(t, l, "sleeper")
	p, err := flow.Client(t.Context(), l.Dial, at.Addr()+":5222", labtest.TLS(l),
		flow.Account{Local: "sleeper", Domain: lab.Domain, Password: labtest.Password, Resource: "slow"})
	must(t, err)
	t.Cleanup(p.Close)
	wake := make(chan struct{})
	t.Cleanup(func() { close(wake) }) // before Close, which waits for the reader
	p.Handle(func([]byte) { <-wake })
	return p.JID
}
