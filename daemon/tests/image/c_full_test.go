package image

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// A follower's disk is full to the last block, of root's share too: health and the
// console tell of it and of the way out, a change is refused in words, messages pass
// all the same, and with room again the node has what was changed meanwhile.
func TestM4_6_FullDisk(t *testing.T) {
	began := time.Now()
	l := appliances(t)
	leader, others, err := l.Leader(t.Context())
	must(t, err)
	n := others[0]
	const rate = 20
	traffic := labtest.StartTraffic(t, l, n, others[1], rate)
	rooted(t, n, fill)
	out, err := n.Exec(t.Context(), "health")
	if err == nil || !full.MatchString(out) || !strings.Contains(out, "journalctl --vacuum-size") {
		t.Errorf("health says: %v\n%s", err, out)
	}
	must(t, n.TypeSerial(t.Context(), " ")) // a key lets it look again at once
	onSerial(t, n, full)
	for _, change := range []string{`banner set "Property of Example Ltd."`, "webadmin listen 9445"} {
		rooted(t, n, fillUp) // the journal may have made room
		out, err := n.Exec(t.Context(), change)
		if !lab.Failed(err) || !strings.Contains(out, "there is no room left on the disk") {
			t.Errorf("%s is answered with %v\n%s", change, err, out)
		}
	}
	_, err = leader.Exec(t.Context(), "xmpp callbridge add meanwhile")
	must(t, err)
	traffic.Await(rate)
	rooted(t, n, "rm /var/ballast")
	must(t, l.WaitHealthy(t.Context(), time.Minute))
	gap, sent := traffic.Stop()

	must(t, lab.Wait(t.Context(), time.Minute, n.Name()+" to have what was added meanwhile", func() error {
		secrets, err := n.Secrets(t.Context())
		if err == nil && secrets["meanwhile"] == "" {
			err = fmt.Errorf("it has %v", secrets)
		}
		return err
	}))
	for _, change := range []string{"xmpp callbridge del meanwhile", `banner set "Property of Example Ltd."`, "banner del"} {
		out, err := n.Exec(t.Context(), change)
		if err != nil {
			t.Errorf("with room again, %s: %v\n%s", change, err, out)
		}
	}
	if failed := rooted(t, n, "systemctl --failed --no-legend --plain"); failed != "" {
		t.Errorf("failed units:\n%s", failed)
	}
	t.Logf("M4.6 the disk of %s full: told by health and console, changes refused in words, and with room again as before; %d messages through it meanwhile, none lost, longest gap %v: %.0f s",
		n.Name(), sent, gap.Round(time.Millisecond), time.Since(began).Seconds())
}

// full is what is said of the disk.
var full = regexp.MustCompile(`/var is \d+ % full`)

// fill takes all blocks that are free: most of them at once, the last by writing.
const (
	fill   = "cd /var && fallocate --length $(($(stat --file-system --format '(%f - 2048) * %S' .))) ballast; " + fillUp
	fillUp = "cat /dev/zero 2>/dev/null >>/var/ballast; sync; test -s /var/ballast"
)
