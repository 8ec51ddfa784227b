package checks

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

// Every fuzz target of the tree for 30 seconds, two at a time.
func TestM2_11_Fuzz(t *testing.T) {
	limit := os.Getenv("QUORATE_FUZZTIME")
	if limit == "" {
		limit = "30s"
	}
	targets := fuzzTargets(t)
	places := make(chan struct{}, 2)
	t.Run("targets", func(t *testing.T) {
		for _, target := range targets {
			t.Run(strings.TrimPrefix(target.pkg, "quorate.org/")+"/"+target.name, func(t *testing.T) {
				t.Parallel()
				places <- struct{}{}
				defer func() { <-places }()
				cmd := exec.CommandContext(t.Context(), "go", "test", "-run", "^$", "-fuzz", "^"+target.name+"$", "-fuzztime", limit, "-parallel", "1", target.pkg)
				cmd.Dir = labtest.Root()
				if out, err := cmd.CombinedOutput(); err != nil && !outOfTime(out) {
					t.Fatalf("%v\n%s", err, out)
				}
			})
		}
	})
	t.Logf("M2.11 fuzz: %d targets, %s each", len(targets), limit)
}

// outOfTime reports whether the run ended by -fuzztime and by nothing else. On a busy machine go test now and then
// calls that a failure (golang/go issue 75804): the deadline falls between two of its own steps. A fault
// that was found always has its input written to testdata, or is told as a process that hung or ended.
func outOfTime(out []byte) bool {
	text := string(out)
	return strings.Contains(text, "\n    context deadline exceeded\n") &&
		!strings.Contains(text, "Failing input") && !strings.Contains(text, "fuzzing process")
}

type target struct{ pkg, name string }

func fuzzTargets(t *testing.T) []target {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "test", "-list", "^Fuzz", "./daemon/...", "./config/...")
	cmd.Dir = labtest.Root()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing the fuzz targets: %v\n%s", err, out)
	}
	// Names come first, then a line "ok <package> <time>".
	var targets []target
	var names []string
	for _, line := range strings.Split(string(out), "\n") {
		switch fields := strings.Fields(line); {
		case len(fields) == 1 && strings.HasPrefix(line, "Fuzz"):
			names = append(names, line)
		case len(fields) > 1 && fields[0] == "ok":
			for _, n := range names {
				targets = append(targets, target{fields[1], n})
			}
			names = nil
		}
	}
	if len(targets) == 0 {
		t.Fatal("there are no fuzz targets")
	}
	return targets
}

func TestOutOfTime(t *testing.T) {
	for text, want := range map[string]bool{
		"fuzz: elapsed: 15s\n--- FAIL: FuzzParse (15.04s)\n    context deadline exceeded\nFAIL\n":                                            true,
		"--- FAIL: FuzzParse (0.04s)\n    --- FAIL: FuzzParse (0.00s)\n    \n    Failing input written to testdata/fuzz/FuzzParse/a\nFAIL\n": false,
		"--- FAIL: FuzzParse (3.04s)\n    fuzzing process hung or terminated unexpectedly: exit status 2\n":                                  false,
		"--- FAIL: FuzzParse (0.04s)\n    seed: context deadline exceeded, not the fuzzer's own\n":                                           false,
		"# quorate.org/daemon/x [build failed]\n":                                                                                            false,
	} {
		if got := outOfTime([]byte(text)); got != want {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}
