package shell

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quorate.org/daemon/logs"
	"quorate.org/daemon/shell/grammar"
)

const journalEntry = `{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1795250000123456","_HOSTNAME":"cb1","SYSLOG_IDENTIFIER":"xmppd","_PID":"123","PRIORITY":"4","MESSAGE":"Quorum lost"}`

const journalLine = "2026-11-21T08:33:20.123Z cb1 xmppd[123] WARNING Quorum lost\n"

// testJournal is a journal with one entry; the arguments of every reading are
// in the file it returns.
func testJournal(t *testing.T) (calls string) {
	t.Helper()
	calls = filepath.Join(t.TempDir(), "calls")
	program(t, "journalctl", "echo \"$@\" >> "+calls+"\ncase \"$*\" in *--follow*) ;; *) echo '"+journalEntry+"';; esac")
	return calls
}

func TestSyslog(t *testing.T) {
	calls := testJournal(t)
	for _, tc := range []struct{ line, out, asked string }{
		{"syslog", journalLine, "--lines=20"},
		{"syslog tail 5 xmppd --warning", journalLine, "--priority=0..4 --lines=5 SYSLOG_IDENTIFIER=xmppd + "},
		{"syslog search quorum", journalLine, "--lines=all"},
		{"syslog search QUORUM quorate-xmpp --error", journalLine, "--priority=0..3 --lines=all SYSLOG_IDENTIFIER=xmppd + "},
		{"syslog search elsewhere", "", "--lines=all"},
		{"syslog follow certd", journalLine, "--lines=all --after-cursor=s=1 --follow SYSLOG_IDENTIFIER=certd + "},
	} {
		out, code := run1(t, tc.line, "")
		if out != tc.out || code != 0 {
			t.Errorf("%s: exit status %d, printed %q", tc.line, code, out)
		}
		asked, err := os.ReadFile(calls)
		if err != nil || !strings.Contains(string(asked), tc.asked) {
			t.Errorf("%s asked %q, %v; want %q", tc.line, asked, err, tc.asked)
		}
		os.Remove(calls)
	}
	out, _ := run1(t, "syslog tail --json", "")
	var entries []logs.Entry
	if err := json.Unmarshal([]byte(out), &entries); err != nil || len(entries) != 1 || entries[0].Message != "Quorum lost" {
		t.Errorf("as JSON: %v, %s", err, out)
	}
}

func TestSyslogRefusals(t *testing.T) {
	testJournal(t)
	t.Setenv("QUORATE_EXCHANGE", t.TempDir())
	for line, want := range map[string]string{
		"syslog tail many":              "FAILURE: \"many\" is not a number of lines\n",
		"syslog tail 0":                 "FAILURE: \"0\" is not a number of lines\n",
		`syslog follow "--file=/x"`:     "FAILURE: \"--file=/x\" is not the name of a unit\n",
		"syslog dump xmpp.cer":          "FAILURE: \"xmpp.cer\" does not name a text file\n",
		"syslog dump ../x.txt":          "FAILURE: \"../x.txt\" is not a file name\n",
		"syslog dump /etc/cron.d/x.log": "FAILURE: \"/etc/cron.d/x.log\" is not a file name\n",
	} {
		if out, code := run1(t, line, ""); code != 1 || !strings.HasPrefix(out, want) {
			t.Errorf("%s: exit status %d, printed %q", line, code, out)
		}
	}
	program(t, "journalctl", "true")
	for _, line := range []string{"syslog tail 3 nosuch", "syslog search x nosuch", "syslog tail 3 nosuch --json"} {
		if out, code := run1(t, line, ""); code != 1 || !strings.Contains(out, "nothing was ever logged by") || !strings.Contains(out, "name one of xmppd, callbridged, ") {
			t.Errorf("%s: exit status %d, printed %q", line, code, out)
		}
	}
	if out, code := run1(t, "syslog tail 3 certd", ""); out != "" || code != 0 {
		t.Errorf("a unit that is silent: exit status %d, printed %q", code, out)
	}
	program(t, "journalctl", "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1")
	out, code := run1(t, "syslog follow", "")
	if want := "FAILURE: the journal may not be read by this account\nREMEDY: sign in as an administrator, or as a member of systemd-journal\n"; out != want || code != 1 {
		t.Errorf("exit status %d, printed %q", code, out)
	}
}

func TestSyslogDump(t *testing.T) {
	testJournal(t)
	dir := t.TempDir()
	t.Setenv("QUORATE_EXCHANGE", dir)
	if out, code := run1(t, "syslog dump today", ""); out != "SUCCESS: today.txt is ready for download by SFTP: 1 lines, 60 bytes\n" || code != 0 {
		t.Errorf("exit status %d, printed %q", code, out)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "today.txt")); err != nil || string(data) != journalLine {
		t.Errorf("the file is %q, %v", data, err)
	}
}

// A follower whose reader has gone ends with it.
func TestSyslogEndsWithItsReader(t *testing.T) {
	testJournal(t)
	p := sitDown(t, grammar.Admin, "")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	p.cfg.Out = w
	if code := p.Execute(context.Background(), "syslog follow"); code != 1 {
		t.Errorf("exit status %d", code)
	}
}
