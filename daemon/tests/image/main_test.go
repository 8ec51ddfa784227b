package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// built returns a file of what scripts/image made.
func built(name string) string {
	dir := os.Getenv("QUORATE_IMAGE")
	if dir == "" {
		dir = filepath.Join(labtest.Root(), ".build/image")
	}
	return filepath.Join(dir, name)
}

// run runs a program in a folder and returns all it prints.
func run(t *testing.T, dir, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustRun(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := run(t, dir, name, args...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}
