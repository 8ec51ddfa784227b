package shell

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
)

// plantedSecret is everywhere a secret could come from.
const plantedSecret = "RITmSh4smhLYguGpAb1"

func TestLogBundle(t *testing.T) {
	n := startNode(t)
	n.set(func() {
		n.bridges = []bus.CallBridge{{Name: "cb1", Domain: "meet.example", Secret: plantedSecret}}
		n.values["callbridge.secret"] = "of the link " + plantedSecret[1:]
		n.values["xmpp.callbridge"] = []map[string]any{{"name": "byhand", "secret": "s3cret-by-hand"}}
	})
	program(t, "journalctl", "cat <<'END'\n"+strings.Replace(journalEntry, "Quorum lost",
		"Quorum lost, "+plantedSecret+" s3cret-by-hand password=hunter2 -----BEGIN PRIVATE KEY-----\\nMHcCAQEE\\n-----END PRIVATE KEY----- end", 1)+"\nEND")
	program(t, "systemctl", "echo from systemctl "+plantedSecret+"; exit 3")
	program(t, "ip", "echo secret="+plantedSecret)
	dir := t.TempDir()
	t.Setenv("QUORATE_EXCHANGE", dir)

	out, code := run1(t, "logbundle", "")
	if code != 0 || !strings.Contains(out, "SUCCESS: logbundle-cb1-") || !strings.Contains(out, ".tar.gz is ready for download by SFTP (") {
		t.Fatalf("exit status %d, printed %q", code, out)
	}
	files := unpack(t, dir)
	for name, want := range map[string]string{
		"journal.txt":                       `cb1 xmppd[123] WARNING Quorum lost, ******** ******** password=******** (private key removed)\n(private key removed)\n(private key removed) end`,
		"journal.json":                      `"cursor":"s=1"`,
		"commands/version.txt":              "Quorate",
		"commands/xmpp-cluster-status.txt":  "State: STANDALONE",
		"commands/xmpp-callbridge-list.txt": "********",
		"commands/health.txt":               "exit status 1",
		"system/systemctl-status.txt":       "from systemctl ********\n(systemctl status --no-pager --full --lines=20 quorate*: exit status 3)\n",
		"system/ip-address.txt":             "secret=********\n",
		"system/uname.txt":                  "Linux",
		"MANIFEST.sha256":                   "  journal.txt\n",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s is %q, want %q", name, files[name], want)
		}
	}
	for name, text := range files {
		for _, secret := range []string{plantedSecret, plantedSecret[1:], "s3cret-by-hand", "hunter2", "MHcCAQEE", "PRIVATE KEY---"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s:\n%s", name, secret, text)
			}
		}
	}
	if len(files) != len(bundled)+len(bundledPrograms)+3 {
		t.Errorf("%d files: %v", len(files), out)
	}
	if changes := n.changes(); len(changes) > 0 {
		t.Errorf("collecting changed %v", changes)
	}
}

// A node whose services do not answer has its bundle all the same.
func TestLogBundleOfASickNode(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/nothing")
	program(t, "journalctl", "echo 'No journal files were found.' >&2")
	dir := t.TempDir()
	t.Setenv("QUORATE_EXCHANGE", dir)
	if out, code := run1(t, "logbundle", ""); code != 0 {
		t.Fatalf("exit status %d, printed %q", code, out)
	}
	files := unpack(t, dir)
	for name, want := range map[string]string{
		"secrets.txt": "Not every secret was known", "journal-failed.txt": "there is no journal on this node",
		"commands/xmpp-status.txt": "FAILURE: ", "system/uname.txt": "Linux",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s is %q, want %q", name, files[name], want)
		}
	}
}

// unpack reads the only bundle of the folder, by names within its own folder.
func unpack(t *testing.T, dir string) map[string]string {
	t.Helper()
	found, err := filepath.Glob(dir + "/*")
	if err != nil || len(found) != 1 {
		t.Fatalf("the folder holds %v, %v", found, err)
	}
	f, err := os.Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	folder := strings.TrimSuffix(filepath.Base(found[0]), ".tar.gz") + "/"
	files := map[string]string{}
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name, inside := strings.CutPrefix(h.Name, folder)
		if !inside {
			t.Errorf("%s is outside %s", h.Name, folder)
		}
		files[name] = string(text)
	}
}
