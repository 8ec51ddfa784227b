package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("QUORATE_MAIN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestEveryProgramIsIn: scripts/compile makes a link for each folder of
// daemon/cmd but these, and the link must become something.
func TestEveryProgramIsIn(t *testing.T) {
	folders, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		apart := slices.Contains([]string{"lab", "quorate", "signin"}, f.Name())
		if start := named("/usr/libexec/quorate/" + f.Name()); (start == nil) != apart {
			t.Errorf("%s: started by its name %v, apart %v", f.Name(), start != nil, apart)
		}
	}
	if named("-mmp") == nil {
		t.Error("a login shell is called -mmp")
	}
}

func TestNameAsArgument(t *testing.T) {
	out, code := become(t, "/usr/bin/quorate", "upgrade")
	if want := "usage: upgrade status"; code != 1 || !strings.Contains(out, want) {
		t.Errorf("quorate upgrade: %d, %q; want 1 and %q", code, out, want)
	}
	out, code = become(t, "/usr/bin/quorate", "nothing")
	if want := "webd xmppd"; code != 2 || !strings.Contains(out, want) {
		t.Errorf("quorate nothing: %d, %q; want 2 and %q", code, out, want)
	}
}

// TestStartIsCheap: what packages make before main is made in every process of a
// node, whether it has a use for it or not. It is judged by the program as it is
// shipped: the race detector has packages make more.
func TestStartIsCheap(t *testing.T) {
	const limit = 1 << 20
	program := filepath.Join(t.TempDir(), "upgrade")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	start := exec.CommandContext(t.Context(), program)
	start.Env = []string{"GODEBUG=inittrace=1"}
	out, _ := start.CombinedOutput() // it ends with its usage
	total := 0
	for line := range strings.Lines(string(out)) {
		var name string
		var at, clock float64
		var bytes int
		if n, _ := fmt.Sscanf(line, "init %s @%f ms, %f ms clock, %d bytes", &name, &at, &clock, &bytes); n == 4 {
			total += bytes
			if bytes > limit/8 {
				t.Logf("%s: %d bytes", name, bytes)
			}
		}
	}
	if total == 0 || total > limit {
		t.Errorf("all packages together allocate %d bytes before main; at most %d are allowed", total, limit)
	}
}

// become runs this binary as the program of that name.
func become(t *testing.T, args ...string) (string, int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args = args
	cmd.Env = []string{"QUORATE_MAIN=yes"}
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}
