package keymap

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Dir is where Debian keeps the layouts, a folder for each kind.
const Dir = "/usr/share/keymaps/i386"

// suffix is that of a layout's file.
const suffix = ".kmap.gz"

var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,40}$`)

// IsName says whether a layout may be called so, on whatever system.
func IsName(layout string) bool { return name.MatchString(layout) }

// Names returns the names of the layouts in a folder, sorted; none when there is
// no such folder.
func Names(dir string) []string {
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*"+suffix)) // fails for a pattern in the folder's name alone
	var names []string
	for _, f := range files {
		if n := strings.TrimSuffix(filepath.Base(f), suffix); IsName(n) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// Has says whether a folder has a layout.
func Has(dir, layout string) bool { return slices.Contains(Names(dir), layout) }
