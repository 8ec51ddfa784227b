package confd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"quorate.org/daemon/settings"
	"quorate.org/daemon/settings/file"
)

// accepted is one configuration in force. It is never changed once made.
type accepted struct {
	Generation uint64                 `json:"generation"`
	Raw        settings.Raw           `json:"raw"`
	Sources    map[string]file.Source `json:"sources"`
}

// storeName is the file of the last good configuration in the state folder.
const storeName = "last-good.json"

// recall reads the last good configuration; nil when there is none.
func recall(state string) (*accepted, error) {
	text, err := os.ReadFile(filepath.Join(state, storeName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the last good configuration: %w", err)
	}
	var a accepted
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&a); err != nil {
		return nil, fmt.Errorf("parsing the last good configuration: %w", err)
	}
	a.Raw = revive(a.Raw)
	if _, problems := settings.Validate(a.Raw); len(problems) > 0 {
		return nil, fmt.Errorf("checking the last good configuration: %w", problems[0])
	}
	return &a, nil
}

// revive brings JSON values back into the form of settings.Raw. A key this
// version does not take any more falls back to its default.
func revive(raw settings.Raw) settings.Raw {
	out := make(settings.Raw, len(raw))
	for key, v := range raw {
		if n, ok := v.(json.Number); ok {
			v, _ = n.Int64()
		}
		if good, p := settings.Convert(key, v); p == nil {
			out[key] = good
		}
	}
	return out
}

// remember stores a as the last good configuration.
func (a *accepted) remember(state string) error {
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the last good configuration: %w", err)
	}
	return file.Write(state, storeName, append(text, '\n'))
}
