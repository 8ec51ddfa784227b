package provision

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// prefix is what our values are called by among those of others.
const prefix = "quorate."

// Credentials reads the system credentials that are ours from a credentials
// directory (systemd.system-credentials(7)); "" is one without any. An error
// comes with what could be read.
func Credentials(dir string) ([]Item, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing the credentials: %w", err)
	}
	var items []Item
	var failed error
	for _, e := range entries {
		key, ours := strings.CutPrefix(e.Name(), prefix)
		if !ours {
			continue
		}
		text, err := readSome(filepath.Join(dir, e.Name()))
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("reading the credential %s: %w", e.Name(), err))
			continue
		}
		items = append(items, Item{Key: key, Value: text, Source: "the credential " + e.Name()})
	}
	return items, failed
}

// readSome reads a file, but of one that is too large only as much as tells so.
func readSome(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fs.ErrInvalid
	}
	if info.Size() > limit {
		return strings.Repeat(" ", limit+1), nil
	}
	text, err := os.ReadFile(path)
	return string(text), err
}
