package logs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
)

// journalOf puts a journalctl on PATH that notes its arguments, a line each
// call, and runs a script.
func journalOf(t *testing.T, script string) (calls func() []string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	noted := filepath.Join(dir, "calls")
	body := "#!/bin/sh\necho \"$@\" >> " + noted + "\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(dir, "journalctl"), []byte(body), 0o755); err != nil {
		t.Fatal(err)
	}
	return func() []string {
		data, err := os.ReadFile(noted)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	}
}

// entryLine is an entry as journalctl writes it.
func entryLine(n int, message string) string {
	return fmt.Sprintf(`{"__CURSOR":"s=%d;i=1","__REALTIME_TIMESTAMP":"%d","_HOSTNAME":"cb1","SYSLOG_IDENTIFIER":"xmppd","_PID":"7","PRIORITY":"4","MESSAGE":%q}`,
		n, 1795250000000000+n*1000, message)
}

func read(t *testing.T, q Query) []string {
	t.Helper()
	var got []string
	if err := Read(t.Context(), q, func(e Entry) error {
		got = append(got, e.Message)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestParse(t *testing.T) {
	got, err := parse([]byte(`{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1795250000123456","__MONOTONIC_TIMESTAMP":"5","_HOSTNAME":"cb1",
		"SYSLOG_IDENTIFIER":"xmppd","_PID":"123","PRIORITY":"4","MESSAGE":"quorum lost","MESSAGE_ID":"92d7802948044a85801fa6c21ddf9d75",
		"_SYSTEMD_UNIT":"quorate-xmpp.service","NODE":"cb2","BIG":null,"RAW":[99,98,255,50],"TWICE":["one","two"],"BOTH":[[97],[98]]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Entry{
		Time: time.UnixMicro(1795250000123456).UTC(), Host: "cb1", Unit: "quorate-xmpp.service", Identifier: "xmppd", PID: "123",
		Priority: 4, Message: "quorum lost", MessageID: "92d7802948044a85801fa6c21ddf9d75", Cursor: "s=1;i=2",
		Fields: map[string]string{"NODE": "cb2", "RAW": "cb\uFFFD2", "TWICE": "one", "BOTH": "a"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLine(t *testing.T) {
	at := time.Date(2026, 11, 21, 10, 0, 0, 123456789, time.UTC)
	for _, tc := range []struct {
		e    Entry
		want string
	}{
		{Entry{Time: at, Host: "cb1", Identifier: "xmppd", PID: "123", Priority: 4, Message: "message"}, "2026-11-21T10:00:00.123Z cb1 xmppd[123] WARNING message"},
		{Entry{Time: at, Host: "cb1", Identifier: "kernel", Priority: 6, Message: "grüße\nforged \x1b[2J"}, `2026-11-21T10:00:00.123Z cb1 kernel INFO grüße\nforged \x1b[2J`},
	} {
		if got := tc.e.Line(); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}

// What a message leaves to the fields is told behind it, once.
func TestText(t *testing.T) {
	for _, c := range []struct {
		message string
		fields  map[string]string
		want    string
	}{
		{"a peer was refused", map[string]string{"ADDRESS": "10.77.0.13", "NODE_ID": "94e8", "ERROR": `its "key" is not pinned`, "_PID": "1"},
			`a peer was refused address=10.77.0.13 node_id=94e8 error="its \"key\" is not pinned"`},
		{"cb3 has joined the cluster", map[string]string{"NAME": "cb3", "OTHER": "x"}, "cb3 has joined the cluster"},
	} {
		if got := (Entry{Message: c.message, Fields: c.fields}).Text(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	forged := Entry{Message: "a peer was refused", Fields: map[string]string{"ERROR": "x\n2026 cb1 root"}}
	if strings.Contains(forged.Line(), "\n") {
		t.Errorf("a field forges a line: %q", forged.Line())
	}
}

func TestArguments(t *testing.T) {
	const matches = "SYSLOG_IDENTIFIER=xmppd + _SYSTEMD_UNIT=quorate-xmpp.service + _PID=1 UNIT=quorate-xmpp.service"
	for _, tc := range []struct {
		q    Query
		want []string
	}{
		{Query{}, []string{"--lines=all"}},
		{Query{Lines: 5, Priority: 4}, []string{"--priority=0..4 --lines=5"}},
		{Query{Unit: "xmppd"}, []string{"--lines=all " + matches}},
		{Query{Unit: "quorate-xmpp"}, []string{"--lines=all " + matches}},
		{Query{Unit: "mmp", Lines: -1, Follow: true}, []string{"--lines=1 SYSLOG_IDENTIFIER=mmp", "--lines=all --follow SYSLOG_IDENTIFIER=mmp"}},
		{Query{Unit: "sshd"}, []string{"--lines=all SYSLOG_IDENTIFIER=sshd + _SYSTEMD_UNIT=sshd.service + _PID=1 UNIT=sshd.service"}},
		{Query{After: "s=1;i=2", Follow: true, Lines: 9}, []string{"--lines=all --after-cursor=s=1;i=2 --follow"}},
		{Query{Since: time.UnixMicro(1500001), Text: "x", Lines: 3}, []string{"--since=@1.500001 --reverse"}},
	} {
		calls := journalOf(t, "")
		read(t, tc.q)
		for i, want := range tc.want {
			tc.want[i] = "--output=json --no-pager " + want
		}
		if diff := cmp.Diff(tc.want, calls()); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tc.q, diff)
		}
	}
}

func TestRefusedQueries(t *testing.T) {
	calls := journalOf(t, "")
	for _, q := range []Query{
		{Unit: "-u"}, {Unit: "--file=/etc/shadow"}, {Unit: "a b"}, {Unit: "a=b"}, {Unit: "*"}, {Unit: "/usr/bin/x"}, {Unit: "+"},
		{Priority: 8}, {Priority: -1}, {After: "a b"}, {After: "--merge\x00"},
	} {
		if err := Read(t.Context(), q, nil); err == nil {
			t.Errorf("%+v was accepted", q)
		}
	}
	if err := Read(t.Context(), Query{}, nil); err != nil {
		t.Fatal(err)
	}
	if n := len(calls()); n != 1 {
		t.Errorf("journalctl was called %d times, want once", n)
	}
}

func TestTextIsAnySubstring(t *testing.T) {
	journalOf(t, "cat <<'E'\n"+entryLine(1, "Quorum lost (2 of 3)")+"\n"+entryLine(2, "else")+"\n"+entryLine(3, "the QUORUM is back")+"\nE")
	for text, want := range map[string][]string{
		"quorum": {"Quorum lost (2 of 3)", "the QUORUM is back"}, "(2 of": {"Quorum lost (2 of 3)"}, ".*": nil, "warning ELSE": {"else"},
	} {
		if diff := cmp.Diff(want, read(t, Query{Text: text})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// TestLastWithText: the last that match are found from the end, told oldest
// first, and followed from the newest seen, whether or not it matched.
func TestLastWithText(t *testing.T) {
	calls := journalOf(t, `case "$*" in
*--reverse*) cat <<'E'
`+entryLine(5, "other")+"\n"+entryLine(4, "hit four")+"\n"+entryLine(3, "hit three")+"\n"+entryLine(2, "hit two")+`
E
;;
*) cat <<'E'
`+entryLine(6, "hit six")+"\n"+entryLine(7, "miss")+`
E
esac`)
	if diff := cmp.Diff([]string{"hit three", "hit four", "hit six"}, read(t, Query{Text: "HIT", Lines: 2, Follow: true})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := calls(); len(got) != 2 || !strings.Contains(got[1], "--lines=all --after-cursor=s=5;i=1 --follow") {
		t.Errorf("called %q", got)
	}
}

func TestLongLinesAreLeftOut(t *testing.T) {
	journalOf(t, "head -c 600000 /dev/zero | tr '\\0' x; echo; cat <<'E'\n"+entryLine(1, "after")+"\nE")
	if diff := cmp.Diff([]string{"after"}, read(t, Query{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	journalOf(t, "cat <<'E'\n"+entryLine(1, "one")+"\nE\ncase \"$*\" in *--follow*) exec sleep 60;; esac")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	n := 0
	if err := Read(ctx, Query{Follow: true}, func(Entry) error {
		if n++; n == 2 {
			stop()
		}
		return nil
	}); err != nil || n != 2 {
		t.Errorf("%d entries, %v", n, err)
	}
	want := errors.New("enough of it")
	if err := Read(t.Context(), Query{Follow: true, After: "s=1"}, func(Entry) error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v, want the callback's error", err)
	}
}

func TestWhyThereIsNothing(t *testing.T) {
	const hint = "echo 'Hint: You are currently not seeing messages from other users and the system.' >&2"
	for script, want := range map[string]fault.Code{
		"echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1": fault.NotPermitted,
		hint: fault.NotPermitted,
		"echo 'No journal files were found.' >&2":                       fault.Unavailable,
		"echo 'Failed to seek to cursor: Invalid argument' >&2; exit 1": fault.NotFound,
		"echo 'anything' >&2; exit 1":                                   fault.Unavailable,
		"echo 'this is no JSON'":                                        fault.Internal,
		hint + "; echo '" + entryLine(1, "a") + "'":                     "",
	} {
		journalOf(t, script)
		err := Read(t.Context(), Query{}, func(Entry) error { return nil })
		if want == "" && err != nil || want != "" && (err == nil || fault.CodeOf(err) != want) {
			t.Errorf("%s: %v, want %s", script, err, want)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if err := Read(t.Context(), Query{}, nil); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("without journalctl: %v", err)
	}
}

// FuzzParse: whatever a line holds, an entry is shown as one printable line.
func FuzzParse(f *testing.F) {
	f.Add([]byte(entryLine(1, "m")))
	f.Add([]byte(`{"MESSAGE":[27,91,50,74],"PRIORITY":["9"],"X":[[1],[2]],"Y":null,"Z":[]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := parse(line)
		if err != nil {
			return
		}
		if strings.ContainsAny(e.Line(), "\n\r\x1b\x00") {
			t.Errorf("%q gives %q", line, e.Line())
		}
		if e.Priority < 0 || e.Priority > 7 {
			t.Errorf("priority %d", e.Priority)
		}
	})
}
