package file

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quorate.org/daemon/settings"
)

// Names within the configuration folder.
const (
	Main   = "quorate.toml"
	Folder = "conf.d"
	Own    = Folder + "/90-quorate.toml" // the only drop-in this program writes
)

// Limit bounds one file, in bytes; a configuration is small.
const Limit = 1 << 20

// Source is where a value stands.
type Source struct {
	File string // path within the configuration folder
	Line int    // from 1
}

// String returns "file:line".
func (s Source) String() string { return fmt.Sprintf("%s:%d", s.File, s.Line) }

// Loaded is one good set of files.
type Loaded struct {
	Raw     settings.Raw
	Values  settings.Values
	Sources map[string]Source // of the keys in Raw
}

// Refusal is why files are refused: every problem, as "file:line: key: reason".
type Refusal []string

// Error returns the problems, one on a line.
func (r Refusal) Error() string { return strings.Join(r, "\n") }

// Load reads and checks the files of a configuration folder. overlay replaces
// files by name within the folder before anything is checked (nil: as if the
// file were not there), so that a draft is judged as it would stand. A file that
// is absent is no problem. The error is a Refusal, or the reason a file could
// not be read.
func Load(dir string, overlay map[string][]byte) (*Loaded, error) {
	files, err := gather(dir, overlay)
	if err != nil {
		return nil, err
	}
	out := &Loaded{Raw: make(settings.Raw), Sources: make(map[string]Source)}
	var refusal Refusal
	for _, f := range files {
		d := parse(f.name, f.text)
		refusal = append(refusal, d.problems...)
		for key, v := range d.raw {
			out.Raw[key], out.Sources[key] = v, Source{f.name, d.line(key)}
		}
	}
	if len(refusal) > 0 {
		return nil, refusal
	}
	values, problems := settings.Validate(out.Raw)
	for _, p := range problems {
		refusal = append(refusal, out.place(p))
	}
	if len(refusal) > 0 {
		return nil, refusal
	}
	out.Values = values
	return out, nil
}

// place names the line of a problem between keys that are each good alone.
func (l *Loaded) place(p *settings.Problem) string {
	if s, ok := l.Sources[p.Key]; ok {
		return fmt.Sprintf("%s: %v", s, p)
	}
	return fmt.Sprintf("%s: %v (at its default)", Main, p)
}

type input struct {
	name string
	text []byte
}

// gather reads the files in the order they apply.
func gather(dir string, overlay map[string][]byte) ([]input, error) {
	names, err := list(dir)
	if err != nil {
		return nil, err
	}
	for name := range overlay {
		names = append(names, name)
	}
	slices.SortFunc(names, byOrder)
	var files []input
	for _, name := range slices.Compact(names) {
		text, replaced := overlay[name]
		if !replaced {
			if text, err = read(filepath.Join(dir, name)); err != nil {
				return nil, err
			}
		}
		if text != nil {
			files = append(files, input{name, text})
		}
	}
	return files, nil
}

// byOrder puts the main file first, the drop-ins after it by name.
func byOrder(a, b string) int {
	if (a == Main) != (b == Main) {
		if a == Main {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

func list(dir string) ([]string, error) {
	names := []string{Main}
	entries, err := os.ReadDir(filepath.Join(dir, Folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing drop-ins: %w", err)
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".toml") && !strings.HasPrefix(name, ".") && !e.IsDir() {
			names = append(names, Folder+"/"+name)
		}
	}
	return names, nil
}

// read returns nil for a file that is not there.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && (!info.Mode().IsRegular() || info.Size() > Limit) {
		err = fmt.Errorf("%s is not a file of at most %d bytes", path, Limit)
	}
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	if text == nil {
		text = []byte{}
	}
	return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), nil // some editors write a byte order mark
}

// Read returns the text of one file of the folder, empty when it is absent.
func Read(dir, name string) ([]byte, error) { return read(filepath.Join(dir, name)) }

// All returns the text of every file of the folder that is there, by name.
func All(dir string) (map[string][]byte, error) {
	files, err := gather(dir, nil)
	if err != nil {
		return nil, err
	}
	texts := make(map[string][]byte, len(files))
	for _, f := range files {
		texts[f.name] = f.text
	}
	return texts, nil
}

// IsName reports whether a name is one that the folder's files have.
func IsName(name string) bool {
	base, drop := strings.CutPrefix(name, Folder+"/")
	return name == Main || drop && filepath.Base(base) == base && strings.HasSuffix(base, ".toml") && !strings.HasPrefix(base, ".")
}

// Check reads one file alone and returns what it sets; problems between files
// are not its business.
func Check(name string, text []byte) (settings.Raw, error) {
	d := parse(name, text)
	if len(d.problems) > 0 {
		return nil, Refusal(d.problems)
	}
	return d.raw, nil
}
