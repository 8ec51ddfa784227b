package shell

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

func TestUpgradeCommands(t *testing.T) {
	n := startNode(t)
	good := bus.Upgrade{Running: "0.1", Next: "0.2", Act: "upgrade a.update", Phase: bus.UpgradeDone, Text: "version 0.2 is installed and starts when the node restarts",
		Versions: []bus.Version{{Version: "0.2", State: bus.VersionTrial, Text: "new"}, {Version: "0.1", State: bus.VersionGood, Text: "has proven itself"}},
		Updates:  []bus.Update{{File: "a.update", Size: 150 << 20, Version: "0.2"}, {File: "b.update", Problem: "the update is not whole"}}}
	refused := bus.Upgrade{Running: "0.1", Next: "0.1", Phase: bus.UpgradeDone, Code: "Trust", Text: "the update is signed by nobody", Remedy: "fetch it again"}
	for _, tc := range []struct {
		line    string
		upgrade bus.Upgrade
		out     []string
		code    int
		changes []string
	}{
		{line: "upgrade", upgrade: good, out: []string{"Running", "0.1", "Next start", "a.update  150 MiB  version 0.2", "b.update", "the update is not whole", "Meaning", "has proven itself"}},
		{line: "upgrade status --json", upgrade: good, out: []string{`"next": "0.2"`, `"state": "trial"`}},
		{line: "upgrade a.update", upgrade: good, out: []string{"SUCCESS: version 0.2 is installed", "See: reboot"}, changes: []string{"upgrade a.update"}},
		{line: "upgrade a.update --reboot", upgrade: good, out: []string{"SUCCESS: version 0.2 is installed", "SUCCESS: restarting"}, changes: []string{"upgrade a.update", "power reboot"}},
		{line: "upgrade a.update --reboot", upgrade: refused, out: []string{"FAILURE: the update is signed by nobody\nREMEDY: fetch it again\n"}, code: 1, changes: []string{"upgrade a.update"}},
		{line: "upgrade rollback", upgrade: good, out: []string{"SUCCESS: version 0.2"}, changes: []string{"upgrade rollback"}},
		{line: "upgrade http://example.org/a.update", out: []string{"FAILURE:", "is not the https URL of an update"}, code: 1},
	} {
		n.set(func() { n.log, n.upgrade = nil, tc.upgrade })
		out, code := run1(t, tc.line, "")
		for _, want := range tc.out {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is missing in\n%s", tc.line, want, out)
			}
		}
		if code != tc.code || !slices.Equal(n.changes(), tc.changes) {
			t.Errorf("%s: exit status %d, changes %q\n%s", tc.line, code, n.changes(), out)
		}
	}
}

func TestFetchUpdate(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("QUORATE_EXCHANGE", folder)
	var server *httptest.Server
	server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/torn.update":
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("half"))
		case "/moved.update":
			http.Redirect(w, r, server.URL+"/good.update", http.StatusFound)
		case "/away.update":
			http.Redirect(w, r, strings.Replace(server.URL, "https", "http", 1)+"/good.update", http.StatusFound)
		case "/good.update":
			w.Write([]byte("whole"))
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	from := client()
	from.Transport.(*http.Transport).TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	var out strings.Builder
	s := New(Config{Out: &out})
	for path, want := range map[string]fault.Code{
		"/moved.update": "", "/good.update": "", "/torn.update": fault.Internal, "/away.update": fault.Unavailable,
		"/missing.update": fault.NotFound, "/good.txt": fault.InvalidArgument,
	} {
		name, err := s.fetchUpdate(context.Background(), from, server.URL+path)
		if want == "" && (err != nil || "/"+name != path) || want != "" && fault.CodeOf(err) != want {
			t.Errorf("%s: %q, %v, want %q", path, name, err, want)
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 2 {
		t.Errorf("%d files were put there: %v", len(files), err)
	}
	if text, err := os.ReadFile(filepath.Join(folder, "good.update")); err != nil || string(text) != "whole" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := s.fetchUpdate(context.Background(), client(), server.URL+"/good.update"); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a server that nobody vouches for: %v", err)
	}
}

// Who signs in at a terminal is told of a version that was undone; a script is
// not.
func TestGreeting(t *testing.T) {
	n := startNode(t)
	n.set(func() {
		n.upgrade = bus.Upgrade{Running: "0.1", Versions: []bus.Version{{Version: "0.2", State: bus.VersionFailed, Text: "did not come up in 3 starts and was undone"}}}
	})
	const told = "WARNING: version 0.2 did not come up in 3 starts and was undone: version 0.1 runs\r\n"
	x := signIn(t, t.TempDir())
	if !strings.HasPrefix(x.shown(), told) {
		t.Errorf("the greeting is %q", x.shown())
	}
	x.end(t, "exit\r")
	if out, _ := run1(t, "version", ""); strings.Contains(out, "WARNING") {
		t.Errorf("one command is greeted: %q", out)
	}
}
