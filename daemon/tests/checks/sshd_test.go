package checks

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
	"quorate.org/daemon/password"
)

// newer are lines of the image's file that an sshd of another release does not
// know; none is about who gets in.
var newer = regexp.MustCompile(`(?m)^(KexAlgorithms|PerSourcePenalties) .*\n`)

// TestWaysIn reads the image's configuration of sshd as sshd does: keys are where
// no account writes, root's excepted, and whether a password is asked for tells
// nobody whether there is an account.
func TestWaysIn(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd wants it even to read a file
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(labtest.Root(), "image/mkosi.extra/etc/ssh/sshd_config"))
	if err != nil {
		t.Fatal(err)
	}
	here := newer.ReplaceAllString(strings.NewReplacer("/etc/ssh/sshd_config.d", dir, "/etc/ssh/ssh_host", dir+"/host").Replace(string(text)), "")
	config, key := filepath.Join(dir, "sshd_config"), filepath.Join(dir, "host_ed25519_key")
	if err := os.WriteFile(config, []byte(here), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, passwords := range []string{"no", "yes"} {
		if passwords == "yes" {
			if err := (password.Files{SSH: filepath.Join(dir, "20-password.conf")}).OpenSSH(); err != nil {
				t.Fatal(err)
			}
		}
		for user, keys := range map[string]string{"root": ".ssh/authorized_keys", "admin": "/etc/ssh/authorized_keys.d/%u", "no-such-account": "/etc/ssh/authorized_keys.d/%u"} {
			out, err := exec.CommandContext(t.Context(), "/usr/sbin/sshd", "-T", "-f", config, "-C", "user="+user+",host=h,addr=192.0.2.7").CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, want := range []string{"authorizedkeysfile " + keys, "passwordauthentication " + passwords, "permitrootlogin without-password", "permitemptypasswords no"} {
				if !strings.Contains(string(out), "\n"+want+"\n") {
					t.Errorf("%s, passwords %s: sshd has not %q", user, passwords, want)
				}
			}
		}
	}
}
