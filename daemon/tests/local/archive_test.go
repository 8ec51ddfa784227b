package local

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// slixmpp at two followers: personal events filtered by capabilities, avatars,
// private data, and the archive of both sides; then the leader is killed, and what
// was published and written is still there, with more behind it.
func TestM5_1_EventsAndArchive(t *testing.T) {
	const count = 30
	l := labtest.Cluster(t)
	for _, name := range []string{"benvolio", "rosaline"} {
		labtest.Account(t, l, name)
	}
	leader, others := leaderOf(t, l)
	source, err := os.ReadFile("slixmpp/events.py")
	must(t, err)
	var want []string
	last := []string(nil)
	for round := 1; round <= 2; round++ {
		in, err := json.Marshal(map[string]any{"domain": lab.Domain, "password": labtest.Password, "ca": filepath.Join(l.Dir(), "ca.cer"),
			"count": count, "round": round, "hosts": []string{others[0].Name() + "." + lab.Domain, others[1].Name() + "." + lab.Domain}})
		must(t, err)
		out, err := l.Run(t.Context(), in, "/usr/bin/python3", "-W", "ignore", "-c", string(source))
		must(t, err)
		var got struct {
			Pep, Named, Ends                                         bool
			Prefs, Avatar, Image, Closed                             string
			Last, Events, Bookmarks, Bodies, Archive, Sent, Failures []string
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		must(t, wantf(len(got.Failures) == 0, "round %d: slixmpp saw %q in %s", round, got.Failures, out))
		var now []string
		for i := range count {
			now = append(now, fmt.Sprintf("%d/%d", round, i))
		}
		want = append(want, now...)
		events := []string{"avatar of benvolio: " + got.Avatar, fmt.Sprintf("mood of benvolio: round%d", round)}
		for what, d := range map[string]string{
			"told on coming":     cmp.Diff(last, got.Last),
			"told":               cmp.Diff(events, got.Events),
			"bookmarks":          cmp.Diff([]string{fmt.Sprintf("room%d@muc.example", round)}, got.Bookmarks),
			"received":           cmp.Diff(now, got.Bodies),
			"rosaline's archive": cmp.Diff(want, got.Archive),
			"benvolio's archive": cmp.Diff(want, got.Sent),
		} {
			must(t, wantf(d == "", "round %d, %s (-want +got): %s", round, what, d))
		}
		must(t, wantf(got.Pep && got.Named && got.Ends && got.Prefs == "always" && got.Image == fmt.Sprintf("image %d", round) && got.Closed == "not-allowed",
			"round %d: %s", round, out))
		last = events
		if round == 1 {
			kill(t, leader)
		}
	}
	revive(t, l, leader)
	t.Logf("M5.1 slixmpp: avatar, mood and private bookmarks between two followers, last items and %d messages in both archives, once and in order, also behind a killed leader", 2*count)
}
