package shell

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/shell/grammar"
)

// program puts a script of this name first in the search path.
func program(t *testing.T, name, script string) (path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return path
}

func TestToolsGetTheirArgumentsAsTheyAre(t *testing.T) {
	program(t, "journalctl", `echo "$# $3 $4 $SYSTEMD_PAGERSECURE"; exit 3`)
	out, code := run1(t, `journalctl -u quorate-xmpp --grep="two words" --json`, "")
	if out != "4 --grep=two words --json 1\n" || code != 3 {
		t.Errorf("exit status %d, printed %q", code, out)
	}
	program(t, "systemctl", `echo "$@"`)
	if out, code := run1(t, "systemctl restart quorate-xmpp", ""); out != "restart quorate-xmpp\n" || code != 0 {
		t.Errorf("exit status %d, printed %q", code, out)
	}
}

func TestToolMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if out, code := run1(t, "journalctl -f", ""); out != "FAILURE: journalctl is not installed on this node\n" || code != 1 {
		t.Errorf("exit status %d, printed %q", code, out)
	}
	if out, code := run1(t, "config edit", ""); code != 1 {
		t.Errorf("exit status %d, printed %q", code, out)
	}
}

func TestUnitActions(t *testing.T) {
	for line, want := range map[string]bool{
		"restart quorate-xmpp": true, "stop a b": true, "status quorate-xmpp": false, "restart": false,
		"restart --no-block a": false, "list-units": false, "": false,
	} {
		if got := isUnitAction(strings.Fields(line)); got != want {
			t.Errorf("isUnitAction(%q) = %v", line, got)
		}
	}
	for name, want := range map[string]string{"quorate-xmpp": "quorate-xmpp.service", "quorate.target": "quorate.target"} {
		if got := unitName(name); got != want {
			t.Errorf("unitName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestConfigEdit(t *testing.T) {
	n := startNode(t)
	const refusal = "FAILURE: quorate.toml:2: bad: there is no such key\nquorate.toml:3: xmpp.enabled: not a boolean\n"
	for _, tc := range []struct {
		name, script, answers string
		out                   string
		changes               []string
		code                  int
	}{
		{"saved", `echo 'domain = "a"' >> "$1"`, "", "SUCCESS: configuration saved\n", []string{"write [xmpp]\ndomain = \"a\""}, 0},
		{"not changed", `true`, "", "SUCCESS: nothing was changed\n", nil, 0},
		{"left with an error", `exit 1`, "", "FAILURE: the editor was left with an error, nothing was changed\n", nil, 1},
		{"refused and given up", `echo bad >> "$1"`, "n\n", refusal + "Edit again? (Y/n) \n", nil, 1},
		{"refused and mended", `if grep -q bad "$1"; then echo good > "$1"; else echo bad >> "$1"; fi`, "y\n",
			refusal + "Edit again? (Y/n) \nSUCCESS: configuration saved\n", []string{"write good"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("VISUAL", "")
			t.Setenv("EDITOR", program(t, "editor", tc.script))
			out, code := run1(t, "config edit", tc.answers)
			if out != tc.out || code != tc.code {
				t.Errorf("exit status %d, printed %q", code, out)
			}
			if diff := cmp.Diff(tc.changes, n.changes()); diff != "" {
				t.Errorf("changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEditorWithArguments(t *testing.T) {
	path := program(t, "editor", "true")
	got, err := findEditor("", path+" -w")
	if diff := cmp.Diff([]string{path, "-w"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestIsSFTP(t *testing.T) {
	for line, want := range map[string]bool{
		"/usr/bin/mmp --sftp": true, "mmp --sftp": true, "/usr/lib/openssh/sftp-server": true, "internal-sftp": true,
		"/usr/lib/openssh/sftp-server -l INFO": true,
		"xmpp status":                          false, "mmp": false, "mmp --sftp x": false, "": false, "scp -t .": false,
	} {
		if got := isSFTP(line); got != want {
			t.Errorf("isSFTP(%q) = %v", line, got)
		}
	}
}

func TestParseRelease(t *testing.T) {
	got := parseRelease("NAME=\"A b\"\n\n# comment\nIMAGE_VERSION='7'\n")
	if diff := cmp.Diff(map[string]string{"NAME": "A b", "IMAGE_VERSION": "7"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCompletion(t *testing.T) {
	n := startNode(t)
	n.set(func() {
		n.bridges, n.users = callBridges("north", "south"), []string{"alice"}
		n.values["xmpp.domain"] = "meet.example"
		n.files = certificateFiles("xmpp.key", "xmpp.cer", "ca.cer")
	})
	p := sitDown(t, grammar.Admin, "")
	for line, want := range map[string]string{
		"xmpp callbridge del s": "xmpp callbridge del south ",
		"xmpp user passwd ":     "xmpp user passwd alice ",
		"xmpp domain ":          "xmpp domain meet.example ",
		"xmpp certs x":          "xmpp certs xmpp.key ",
		"pki match xmpp.key x":  "pki match xmpp.key xmpp.cer ",
		"pki inspect c":         "pki inspect ca.cer ",
		"config show xmpp.cl":   "config show xmpp.client_port ",
		"systemctl restart q":   "systemctl restart quorate-",
		"xmpp cluster jo":       "xmpp cluster join ",
		"xmpp user add ":        "xmpp user add ",
	} {
		if got, _ := p.complete(line); got != want {
			t.Errorf("%q is completed to %q, want %q", line, got, want)
		}
	}
	n.set(func() { n.cluster = "LEADER" })
	if got, _ := p.complete("xmpp cluster remove "); got != "xmpp cluster remove cb1 " {
		t.Errorf("completed to %q", got)
	}
	n.stopXmpp(t)
	if got, _ := p.complete("xmpp callbridge del s"); got != "xmpp callbridge del s" {
		t.Errorf("without the service completed to %q", got)
	}
}
