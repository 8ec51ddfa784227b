package provision

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// settingsName is the file of a disk with a line "key = value" for each setting.
const settingsName = "node.conf"

// diskFiles are the other files of a disk, each one value.
var diskFiles = map[string]string{"quorate.toml": Config, "authorized_keys": AuthorizedKeys}

// Disk reads the files of a mounted disk. Names count without regard to case,
// as on the file systems such disks have. An error comes with what could be read.
func Disk(dir string) ([]Item, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing the disk QUORATE: %w", err)
	}
	var items []Item
	var failed error
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		key := diskFiles[name]
		if key == "" && name != settingsName {
			continue
		}
		text, err := readSome(filepath.Join(dir, e.Name()))
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("reading %s on the disk QUORATE: %w", e.Name(), err))
			continue
		}
		text = strings.TrimPrefix(text, "\xef\xbb\xbf") // some editors write a byte order mark
		if key != "" {
			items = append(items, Item{Key: key, Value: text, Source: e.Name() + " on the disk QUORATE"})
			continue
		}
		items = append(items, lines(text, e.Name()+" on the disk QUORATE")...)
	}
	return items, failed
}

// lines reads "key = value" lines; a line that is none becomes an item without a
// known key, so that it is told of. Lines that begin with # say nothing.
func lines(text, source string) []Item {
	var items []Item
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		items = append(items, Item{Key: strings.ToLower(strings.TrimSpace(key)), Value: value, Source: fmt.Sprintf("line %d of %s", n, source)})
	}
	return items
}
