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
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			})
		}
	})
	t.Logf("M2.11 fuzz: %d targets, %s each", len(targets), limit)
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
