package edge

import (
	"sync/atomic"
	"testing"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/sasl"
)

// shrinking is a directory from which one account or call bridge is removed.
type shrinking struct {
	directory
	gone *atomic.Pointer[string]
}

func (s shrinking) has(name string) bool { g := s.gone.Load(); return g == nil || *g != name }

func (s shrinking) Credentials(account jid.JID) (sasl.Credentials, bool) {
	c, ok := s.directory.Credentials(account)
	return c, ok && s.has(account.Local())
}

func (s shrinking) ComponentSecret(name string) (string, bool) {
	secret, ok := s.directory.ComponentSecret(name)
	return secret, ok && s.has(name)
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	dir := shrinking{meet(), &atomic.Pointer[string]{}}
	r := newRigOf(t, Limits{}, dir)
	cb1, cb2, juliet, romeo := r.component("cb1"), r.component("cb2"), r.client("juliet", "x"), r.client("romeo", "x")
	r.edge.Revoke() // nothing is gone
	for name, p := range map[string]*peer{"cb1": cb1, "juliet": juliet} {
		dir.gone.Store(&name)
		r.edge.Revoke()
		p.fails("not-authorized")
	}
	cb2.send("<message from='cb2.meet.example' to='romeo@meet.example/x'/>")
	romeo.until("<message .*/>")
}
