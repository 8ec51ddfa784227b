package checks

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
			t.Run(strings.TrimPrefix(target.pkg, "./")+"/"+target.name, func(t *testing.T) {
				t.Parallel()
				places <- struct{}{}
				defer func() { <-places }()
				cmd := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-run", "^$", "-fuzz", "^"+target.name+"$", "-fuzztime", limit, "-parallel", "1", target.pkg)
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

// fuzzTargets are read from the sources: to have go test list them links every test of the tree.
func fuzzTargets(t *testing.T) []target {
	t.Helper()
	root := labtest.Root()
	var targets []target
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") && path != root:
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, found := range fuzzFunc.FindAllSubmatch(text, -1) {
			pkg, _ := filepath.Rel(root, filepath.Dir(path)) // both are absolute
			targets = append(targets, target{"./" + pkg, string(found[1])})
		}
		return err
	})
	if err != nil || len(targets) == 0 {
		t.Fatalf("%d fuzz targets: %v", len(targets), err)
	}
	return targets
}

var fuzzFunc = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)

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
