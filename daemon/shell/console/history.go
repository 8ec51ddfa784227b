package console

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// historyLines is how many lines a History keeps.
const historyLines = 1000

// History is the lines a person typed, oldest first, kept in a file that only
// the person can read. Several sessions may add to the same file.
type History struct {
	path  string // "" keeps it in memory only
	lines []string
}

// OpenHistory reads the history at path; a file that is not there is empty.
func OpenHistory(path string) (*History, error) {
	h := &History{path: path}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading history: %w", err)
	}
	h.lines = strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' })
	if len(h.lines) <= 2*historyLines {
		return h, nil
	}
	h.lines = h.lines[len(h.lines)-historyLines:]
	return h, h.rewrite()
}

// rewrite replaces the file with the lines that are kept.
func (h *History) rewrite() error {
	next := h.path + ".new"
	if err := os.WriteFile(next, []byte(strings.Join(h.lines, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("shortening history: %w", err)
	}
	if err := os.Rename(next, h.path); err != nil {
		return fmt.Errorf("shortening history: %w", err)
	}
	return nil
}

// Len returns the number of lines.
func (h *History) Len() int { return len(h.lines) }

// At returns line i, the newest being 0.
func (h *History) At(i int) string { return h.lines[len(h.lines)-1-i] }

// Add appends a line, unless it is empty, begins with a space or repeats the
// last one. The error says that it is remembered in this session only.
func (h *History) Add(line string) error {
	if strings.TrimSpace(line) == "" || line[0] == ' ' || len(h.lines) > 0 && h.At(0) == line {
		return nil
	}
	h.lines = append(h.lines, line)
	if h.path == "" {
		return nil
	}
	f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening history: %w", err)
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

// recorder lets the line editor see the history, and add to it unless the line
// answers a question.
type recorder struct{ c *Console }

func (r recorder) Len() int {
	if r.c.history == nil || r.c.asking {
		return 0
	}
	return r.c.history.Len()
}

func (r recorder) At(i int) string { return r.c.history.At(i) }

func (r recorder) Add(line string) {
	if r.c.history == nil || r.c.asking {
		return
	}
	// A full disk must not end the session: the line is remembered in memory.
	_ = r.c.history.Add(line)
}
