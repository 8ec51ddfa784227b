package shell

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBackupCommands(t *testing.T) {
	n := startNode(t)
	for _, tc := range []struct {
		line, input string
		out         []string
		code        int
		changes     []string
	}{
		{line: "backup snapshot monday", input: "correct horse\ncorrect horse\n", out: []string{"SUCCESS: monday.quorate-backup is ready for download by SFTP\n"},
			changes: []string{"snapshot monday correct horse"}},
		{line: "backup snapshot monday", input: "correct horse\nwrong horse\n", out: []string{"FAILURE: the two do not match"}, code: 1},
		{line: "backup list", out: []string{"monday.quorate-backup  5 KiB  2026-11-21", "cb2 (0.1.0)", "torn.quorate-backup", "the backup is damaged"}},
		{line: "backup rollback monday --preview", input: "correct horse\n", out: []string{"settings", "changed: xmpp.listen", "not restored: the cluster's data are the cluster's"}},
		{line: "backup rollback monday settings identity", input: "correct horse\n", out: []string{"settings", "SUCCESS: monday is restored\n"},
			changes: []string{"rollback monday settings identity"}},
		{line: "backup rollback monday", input: "wrong\n", out: []string{"FAILURE: the passphrase does not open the backup\n"}, code: 1},
		{line: "backup recovery_key", out: []string{"cbdefghi-jklnrtuv\n"}},
		{line: "backup rollback monday everything", input: "correct horse\n", out: []string{"everything"}, code: 1},
	} {
		n.set(func() { n.log = nil })
		out, code := run1(t, tc.line, tc.input)
		for _, want := range tc.out {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is missing in\n%s", tc.line, want, out)
			}
		}
		if code != tc.code || !slices.Equal(n.changes(), tc.changes) {
			t.Errorf("%s: exit status %d, changes %q\n%s", tc.line, code, n.changes(), out)
		}
		if strings.Contains(out, "correct horse") {
			t.Errorf("%s shows the passphrase:\n%s", tc.line, out)
		}
	}
}

func TestFactoryReset(t *testing.T) {
	n := startNode(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	history := filepath.Join(home, ".mmp_history")
	if err := os.WriteFile(history, []byte("xmpp domain meet.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := run1(t, "factory_reset app --force", "")
	if code != 0 || out != "SUCCESS: XMPP state removed\n" || !slices.Equal(n.changes(), []string{"factory reset app force=true"}) {
		t.Errorf("exit status %d, changes %q\n%s", code, n.changes(), out)
	}
	if _, err := os.Stat(history); !os.IsNotExist(err) {
		t.Errorf("the history is still there: %v", err)
	}
}
