package keymap

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A layout is found by its whole name: no pattern and no path leads to one.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	for _, file := range []string{"qwerty/us.kmap.gz", "qwertz/de-latin1.kmap.gz", "qwertz/de.kmap.gz", "qwertz/note.txt", "qwertz/..kmap.gz", "secret.kmap.gz"} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"de", "de-latin1", "us"}, Names(dir)); diff != "" {
		t.Errorf("the layouts (-want +got):\n%s", diff)
	}
	for layout, want := range map[string]bool{"de": true, "de-latin1": true, "d*": false, "d": false, "../secret": false, "secret": false, "": false, ".": false, "qwerty/us": false} {
		if Has(dir, layout) != want {
			t.Errorf("%q: %v", layout, !want)
		}
	}
	if Names(filepath.Join(dir, "none")) != nil {
		t.Error("a folder that is not there has layouts")
	}
}
