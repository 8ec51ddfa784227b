package local

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// All three lose power and come back: they form again unaided, with the same
// call bridges.
func TestM2_7_AllOffAndOn(t *testing.T) {
	l := labtest.Cluster(t)
	before, err := l.Node("cb1").Secrets(t.Context())
	must(t, err)
	for _, n := range l.Members() {
		must(t, n.Kill(t.Context()))
	}
	began := time.Now()
	for _, n := range l.Members() {
		must(t, n.Start(t.Context()))
	}
	must(t, l.WaitHealthy(t.Context(), 30*time.Second))
	took := time.Since(began)
	for _, n := range l.Members() {
		after, err := n.Secrets(t.Context())
		must(t, err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("call bridges of %s (-before +after):\n%s", n.Name(), diff)
		}
	}
	t.Logf("M2.7 all three off and on: formed again unaided in %.1f s, configuration kept", took.Seconds())
}

// A node that was killed and started again is a member with its configuration.
func TestM2_7_OneOffAndOn(t *testing.T) {
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	must(t, others[0].Kill(t.Context()))
	typed(t, others[1], "xmpp callbridge add meanwhile")
	must(t, others[0].Start(t.Context()))
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	must(t, lab.Wait(t.Context(), 5*time.Second, "what was added meanwhile", func() error {
		out, err := others[0].Exec(t.Context(), "xmpp callbridge list")
		return errors.Join(err, wantf(strings.Contains(out, "meanwhile"), "the node lists %s", out))
	}))
	typed(t, others[0], "xmpp callbridge del meanwhile")
	t.Logf("M2.7 one node killed and started again: it follows, with what was added meanwhile")
}

// The survivor of a lost majority is brought back by force, which says what
// may be lost; the others are then new members.
func TestM2_7_RecoverLoneSurvivor(t *testing.T) {
	l := labtest.Cluster(t)
	survivor := l.Members()[2]
	lost := l.Members()[:2]
	before, err := survivor.Secrets(t.Context())
	must(t, err)
	for _, n := range lost {
		must(t, n.Kill(t.Context()))
	}
	out := typed(t, survivor, "xmpp cluster recover --force")
	must(t, wantf(strings.Contains(out, "lost"), "recover did not say what may be lost: %s", out))
	must(t, lab.Wait(t.Context(), 15*time.Second, "the survivor to lead alone", func() error { return l.Healthy(t.Context(), survivor) }))
	after, err := survivor.Secrets(t.Context())
	must(t, err)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("call bridges of the survivor (-before +after):\n%s", diff)
	}
	labtest.Component(t, l, "cb3", survivor) // it serves
	for _, n := range lost {
		must(t, n.Start(t.Context()))
		typed(t, n, "xmpp reset --force")
		must(t, l.Join(t.Context(), n, survivor))
	}
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	t.Logf("M2.7 recover --force on a lone survivor: %s", firstLine(out, "lost"))
}

// firstLine returns the first line of text that holds word.
func firstLine(text, word string) string {
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, word) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
