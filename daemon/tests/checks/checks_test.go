package checks

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

// staticcheck is a version that knows the Go version of go.mod.
const staticcheck = "honnef.co/go/tools/cmd/staticcheck@v0.7.0"

// clean runs a tool at the top of the tree, which must find nothing to say.
func clean(t *testing.T, argv ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir = labtest.Root()
	var errOut bytes.Buffer // progress, such as downloads; and vet's findings, with an exit status
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Fatalf("%s: %v\n%s%s", strings.Join(argv, " "), err, out, errOut.Bytes())
	}
}

func TestM2_11_Gofmt(t *testing.T) {
	clean(t, "gofmt", "-l", "daemon", "config")
	t.Log("M2.11 gofmt: nothing to format")
}

func TestM2_11_Vet(t *testing.T) {
	clean(t, "go", "vet", "./...")
	clean(t, "go", "vet", "-tags", "faults", "./daemon/forward") // what only tests build
	t.Log("M2.11 go vet: clean")
}

func TestM2_11_Staticcheck(t *testing.T) {
	clean(t, "go", "run", staticcheck, "./...")
	t.Log("M2.11 staticcheck: clean")
}

// Every file that a shell runs, wherever it lies.
func TestM2_11_Shellcheck(t *testing.T) {
	scripts := shellScripts(t)
	clean(t, append([]string{"shellcheck", "--external-sources", "--exclude=SC1091"}, scripts...)...)
	t.Logf("M2.11 shellcheck: %d scripts clean", len(scripts))
}

func shellScripts(t *testing.T) []string {
	t.Helper()
	root := labtest.Root()
	var scripts []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == ".build" || d.Name() == ".lab"):
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		head := make([]byte, 64)
		n, _ := f.Read(head) // an empty file is no script
		first, _, _ := strings.Cut(string(head[:n]), "\n")
		if strings.HasSuffix(path, ".sh") || strings.HasPrefix(first, "#!") && (strings.HasSuffix(first, "/sh") || strings.HasSuffix(first, "/bash")) {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			scripts = append(scripts, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(scripts) == 0 {
		t.Fatal("there are no scripts")
	}
	return scripts
}
