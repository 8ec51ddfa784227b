package local

import (
	"fmt"
	"strings"
	"testing"

	"quorate.org/daemon/internal/lab"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantf returns nil when ok, and otherwise the error in words.
func wantf(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func leaderOf(t *testing.T, l *lab.Lab) (*lab.Node, []*lab.Node) {
	t.Helper()
	leader, others, err := l.Leader(t.Context())
	must(t, err)
	return leader, others
}

// typed runs a command that must succeed and returns what it printed.
func typed(t *testing.T, n *lab.Node, command string, answers ...string) string {
	t.Helper()
	out, err := n.Exec(t.Context(), command, answers...)
	must(t, err)
	return out
}

// refused runs a command that must be refused with a FAILURE line that holds
// every given word, and returns it.
func refused(t *testing.T, n *lab.Node, command string, words ...string) string {
	t.Helper()
	out, err := n.Exec(t.Context(), command)
	if !lab.Failed(err) || !strings.Contains(out, "FAILURE: ") {
		t.Fatalf("%s> %s: want a refusal, got %q, %v", n.Name(), command, out, err)
	}
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("%s> %s: the refusal %q does not say %q", n.Name(), command, out, w)
		}
	}
	for _, line := range strings.Split(out, "\n") {
		if strings.HasPrefix(line, "FAILURE: ") {
			return line
		}
	}
	return out
}
