package forward

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/router"
)

// A sign-in that no leader can grant is refused with the reason: soon when
// voters are missing, at the end of the time a stanza has when one may yet be
// elected.
func TestSignInWithoutLeader(t *testing.T) {
	for _, tc := range []struct {
		why, text string
		after     time.Duration
	}{
		{"no quorum: 1 of 3 voters reachable, 2 needed", "no quorum: 1 of 3 voters reachable, 2 needed", patience},
		{"an election is under way", "no leader: an election is under way", 10 * time.Second},
		{"", "no leader: try again later", 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := New(Config{ID: "a", Limits: router.Limits{GiveUp: 10 * time.Second}, Links: wire{&fabric{}, "a"}, Facts: office{},
				Leaderless: func() string { return tc.why }})
			want, err := jid.Parse("cb1.meet.example")
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			_, err = n.Bind(t.Context(), edge.Component, want, edge.Wish{}, nil)
			var refused *edge.Refusal
			if !errors.As(err, &refused) || refused.Text != tc.text || time.Since(began) != tc.after {
				t.Errorf("%q: %v after %v", tc.why, err, time.Since(began))
			}
		})
	}
}
