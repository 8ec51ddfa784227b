package local

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// profanityHome is a home folder with an account of profanity that trusts the lab's
// authority and nothing else.
func profanityHome(t *testing.T, l *lab.Lab, name string, at *lab.Node) string {
	t.Helper()
	home := t.TempDir()
	data := filepath.Join(home, ".local/share/profanity")
	account := fmt.Sprintf("[lab]\nenabled=true\njid=%s@%s\nserver=%s\nport=5222\npassword=%s\nresource=profanity\ntls.policy=force\n",
		name, lab.Domain, at.Name()+"."+lab.Domain, labtest.Password)
	authorities := filepath.Join(home, "authorities") // in OpenSSL's manner: by hash
	ca, err := os.ReadFile(filepath.Join(l.Dir(), "ca.cer"))
	must(t, err)
	for _, dir := range []string{data, authorities, filepath.Join(home, ".config/profanity")} {
		must(t, os.MkdirAll(dir, 0o700))
	}
	must(t, os.WriteFile(filepath.Join(data, "accounts"), []byte(account), 0o600))
	must(t, os.WriteFile(filepath.Join(home, ".config/profanity/profrc"), []byte("[connection]\ntls.certpath="+authorities+"\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(authorities, "ca.pem"), ca, 0o600))
	out, err := exec.CommandContext(t.Context(), "openssl", "rehash", authorities).CombinedOutput()
	must(t, wantf(err == nil, "%v: %s", err, out))
	return home
}

// profanity types lines into profanity, waits for what its log must have behind
// each, and returns that log.
func profanity(t *testing.T, l *lab.Lab, home string, steps [][2]string) string {
	t.Helper()
	in, err := json.Marshal(map[string]any{"home": home, "account": "lab", "steps": steps})
	must(t, err)
	out, err := l.Run(t.Context(), in, "/usr/bin/python3", "profanity/drive.py")
	must(t, err)
	return string(out)
}

// profanity, typed into at a terminal, signs in through a follower, enters a contact
// and writes to a client of another node, which echoes. What its user writes there
// elsewhere comes to it as a copy (XEP-0280).
func TestM5_1_Profanity(t *testing.T) {
	const count = 10
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	labtest.Account(t, l, "dave")
	bob := labtest.Client(t, l, "bob", others[1])
	echo(bob)
	elsewhere := labtest.Client(t, l, "dave", others[1])
	elsewhere.Handle(func(elem []byte) {
		if !strings.Contains(string(elem), "<body>write</body>") {
			return // what bob echoes
		}
		_ = elsewhere.Send(fmt.Appendf(nil, "<message type='chat' to='%s'><body>from elsewhere</body></message>", bob.JID)) // what is missing is missed
	})
	steps := [][2]string{
		{"", "Connection handler: XMPP_CONN_CONNECT"},
		{"", `RECV: <iq[^\n]*jabber:iq:roster`},
		{"/roster add nurse@" + lab.Domain + " Nurse", `RECV: <iq[^\n]*type="set"[^\n]*name="Nurse"`},
		{"/carbons on", `RECV: <iq[^\n]*type="result"`},
		{"/msg " + elsewhere.JID + " write", `RECV: <message[^\n]*<sent xmlns="urn:xmpp:carbons:2"[^\n]*<body>from elsewhere<`},
	}
	for i := range count {
		steps = append(steps, [2]string{fmt.Sprintf("/msg %s number %d", bob.JID, i), fmt.Sprintf(`RECV: <message[^\n]*<body>number %d<`, i)})
	}
	log := profanity(t, l, profanityHome(t, l, "dave", others[0]), steps)
	mechanism := regexp.MustCompile(`SENT: <auth[^>]*mechanism="([^"]*)"`).FindStringSubmatch(log)
	must(t, wantf(mechanism != nil && strings.HasPrefix(mechanism[1], "SCRAM-SHA-256"), "signed in by %q", mechanism))
	must(t, wantf(!regexp.MustCompile(`RECV: <(message|presence)[^\n]*type="error"`).MatchString(log), "an error came: %s", log))
	t.Logf("M5.1 profanity: signed in by %s on a follower, a contact entered and pushed, a copy of what was written elsewhere, %d messages there and back", mechanism[1], count)
}
