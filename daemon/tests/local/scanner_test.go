package local

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

// benchLine is a line of `go test -bench`: name, ns/op and allocs/op.
var benchLine = regexp.MustCompile(`(?m)^Benchmark(\w+?)(?:-\d+)?\s.*?([\d.]+) ns/op.*?(\d+) allocs/op`)

// The scanner against encoding/xml, by the room's own benchmarks: the medians of rounds
// of both, so that a slow moment of the host does not fall on one alone.
func TestM2_13_Scanner(t *testing.T) {
	const rounds = 9
	bench := filepath.Join(t.TempDir(), "xmlwire.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", bench, "./daemon/xmlwire")
	build.Dir = labtest.Root()
	out, err := build.CombinedOutput()
	must(t, wantf(err == nil, "%v: %s", err, out))
	ns, allocating := map[string][]float64{}, 0
	for range rounds {
		out, err = exec.CommandContext(t.Context(), bench, "-test.run", "^$", "-test.benchtime", "200ms", "-test.benchmem",
			"-test.bench", "^(BenchmarkScan|BenchmarkEncodingXML)$").CombinedOutput()
		must(t, wantf(err == nil, "%v: %s", err, out))
		for _, m := range benchLine.FindAllStringSubmatch(string(out), -1) {
			each, err := strconv.ParseFloat(m[2], 64)
			must(t, err)
			ns[m[1]] = append(ns[m[1]], each)
			if m[1] == "Scan" && m[3] != "0" {
				allocating++
			}
		}
	}
	ours, theirs := ns["Scan"], ns["EncodingXML"]
	must(t, wantf(len(ours) == rounds && len(theirs) == rounds, "the benchmarks gave %v, at last from %s", ns, out))
	slices.Sort(ours)
	slices.Sort(theirs)
	ratio := theirs[rounds/2] / ours[rounds/2]
	t.Logf("M2.13 scanner: %.0f ns for 349 bytes, %.1f × encoding/xml; %d of %d rounds allocate", ours[rounds/2], ratio, allocating, rounds)
	if ratio < 10 || allocating > 0 {
		t.Errorf("want ≥ 10 × and no allocation: %v ns, and encoding/xml %v ns", ours, theirs)
	}
}
