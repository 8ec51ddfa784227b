package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// holds fails unless a folder has exactly these files.
func holds(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = string(text)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func modeOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := Replace(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := Replace(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, map[string]string{"a": "new"})
	if got := modeOf(t, path); got != 0o600 {
		t.Errorf("mode %o", got)
	}
	if got, err := io.ReadAll(reader); string(got) != "old" || err != nil {
		t.Errorf("who had it open reads %q, %v", got, err)
	}
}

func TestFailureLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := Replace(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	if err := ReplaceAs(path, []byte("new"), func(*os.File) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	holds(t, dir, map[string]string{"a": "old"})
	if err := os.Mkdir(filepath.Join(dir, "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(filepath.Join(dir, "b"), []byte("new"), 0o600); err == nil {
		t.Error("a folder was replaced")
	}
	if err := os.Remove(filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, map[string]string{"a": "old"})
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	write := func(text string) func(io.Writer) error {
		return func(w io.Writer) error {
			if _, err := os.Stat(path); text == "first" && !errors.Is(err, fs.ErrNotExist) {
				t.Error("it is there before it is whole")
			}
			_, err := io.WriteString(w, text)
			return err
		}
	}
	if size, err := Create(path, 0o640, write("first")); size != 5 || err != nil {
		t.Fatalf("%d, %v", size, err)
	}
	if got := modeOf(t, path); got != 0o640 {
		t.Errorf("mode %o", got)
	}
	if _, err := Create(path, 0o640, write("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	broken := errors.New("broken")
	if _, err := Create(filepath.Join(dir, "b"), 0o640, func(io.Writer) error { return broken }); err != broken {
		t.Errorf("got %v", err)
	}
	holds(t, dir, map[string]string{"a": "first"})
}
