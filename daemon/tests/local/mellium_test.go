package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
	"quorate.org/daemon/internal/lab/labtest"
)

// melliumProgram builds the client of mellium.im/xmpp, which has a module of its
// own.
func melliumProgram(t *testing.T) string {
	t.Helper()
	to := filepath.Join(labtest.Root(), ".build/mellium")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", to, ".")
	cmd.Dir = "mellium"
	out, err := cmd.CombinedOutput()
	must(t, wantf(err == nil, "compiling: %v: %s", err, out))
	return to
}

// mellium signs in by SCRAM-SHA-256-PLUS and nothing else, through a follower and,
// when the leader is killed, through the other: the binding is tls-exporter, which
// two implementations have to agree on.
func TestM5_1_Mellium(t *testing.T) {
	const count = 50
	l := labtest.Cluster(t)
	labtest.Account(t, l, "carol")
	leader, others := leaderOf(t, l)
	program := melliumProgram(t)
	bob := labtest.Client(t, l, "bob", others[1])
	other := labtest.Client(t, l, "carol", others[1])
	copied(bob, other.JID)
	for run, at := range others {
		in, err := json.Marshal(map[string]any{"JID": "carol@" + lab.Domain, "Password": labtest.Password,
			"Address": at.Addr() + ":5222", "Target": bob.JID, "Count": count, "Contact": "Nurse of " + at.Name()})
		must(t, err)
		out, err := l.Run(t.Context(), in, "env", "SSL_CERT_FILE="+filepath.Join(l.Dir(), "ca.cer"), program)
		must(t, err)
		var got struct {
			Bound, TLS                           string
			Roster, Pushed, Bodies, Copies, Kept []string
		}
		must(t, json.Unmarshal(out, &got))
		must(t, wantf(strings.HasPrefix(got.Bound, "carol@"+lab.Domain+"/"), "bound as %q", got.Bound))
		must(t, wantf(slices.Equal(got.Roster, []string{"nurse@" + lab.Domain + " Nurse of " + at.Name() + " [House]"}), "the roster is %q", got.Roster))
		must(t, wantf(slices.Equal(got.Pushed, []string{"nurse@" + lab.Domain}), "pushed was %q", got.Pushed))
		for i, body := range got.Bodies {
			must(t, wantf(body == fmt.Sprint(i), "message %d is %q", i, body))
		}
		must(t, wantf(len(got.Bodies) == count, "%d of %d messages came back", len(got.Bodies), count))
		must(t, wantf(slices.Equal(got.Copies, []string{"for another"}), "the carbons are %q", got.Copies))
		must(t, wantf(len(got.Kept) == (run+1)*(2*count+1), "the archive has %d messages: %q", len(got.Kept), got.Kept))
		t.Logf("M5.1 mellium: signed in by SCRAM-SHA-256-PLUS over %s on a follower, roster set, read and pushed, %d messages there and back in order, a carbon, %d in the archive", got.TLS, count, len(got.Kept))
		if at == others[0] {
			kill(t, leader)
		}
	}
	revive(t, l, leader)
	t.Log("M5.1 mellium: the second time behind a leader that was killed")
}

// copied echoes, and writes to another address behind the first message of each
// client.
func copied(p *flow.Peer, other string) {
	echo := echoing(p)
	p.Handle(func(elem []byte) {
		echo(elem)
		if bytes.Contains(elem, []byte("<body>0</body>")) {
			_ = p.Send(fmt.Appendf(nil, "<message type='chat' to='%s'><body>for another</body></message>", other)) // what is missing is missed
		}
	})
}
