package labtest

import (
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
)

// LinkBridges configures the Call Bridges of the members at the prompt, those
// that are not connected already, and waits for their links.
func LinkBridges(t *testing.T, l *lab.Lab) {
	t.Helper()
	secrets, err := l.Members()[0].Secrets(t.Context())
	must(t, err)
	for _, n := range l.Members() {
		if n.Linked(t.Context()) == nil {
			continue
		}
		for _, c := range [][]string{
			{"callbridge name " + n.Name()}, {"callbridge domain " + lab.Domain}, {"callbridge secret", secrets[n.Name()], secrets[n.Name()]},
			{"callbridge restart"}, // one that was configured like that already may be waiting for its next try
		} {
			_, err := n.Exec(t.Context(), c[0], c[1:]...)
			must(t, err)
		}
	}
	for _, n := range l.Members() {
		must(t, lab.Wait(t.Context(), 10*time.Second, "the Call Bridge of "+n.Name(), func() error { return n.Linked(t.Context()) }))
	}
}
