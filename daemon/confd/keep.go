package confd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/settings/file"
)

// kept is what this service has in a backup, by part.
type kept struct {
	Settings map[string][]byte `json:"settings"` // the files by name
}

// ownFiles keeps the configuration files in backups as the other services keep
// theirs.
type ownFiles struct{ *Service }

// Save returns the files as they stand, also those that were refused.
func (o ownFiles) Save(context.Context) ([]byte, error) {
	texts, err := file.All(o.Dir)
	if err != nil {
		return nil, err
	}
	return json.Marshal(kept{texts})
}

// Restore puts files back, and takes those away that the backup has not. They
// are judged whole by the schema of this version first.
func (o ownFiles) Restore(_ context.Context, data []byte, apply bool) ([]bus.Step, error) {
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, fault.New(fault.Incomplete, "the settings in the backup can not be read: "+err.Error())
	}
	if k.Settings == nil {
		k.Settings = map[string][]byte{}
	}
	for name, text := range k.Settings {
		if !file.IsName(name) || len(text) > file.Limit {
			return nil, fault.New(fault.Incomplete, fmt.Sprintf("the settings in the backup have a file %q", name))
		}
	}
	step, err := o.replace(k.Settings, apply)
	return []bus.Step{step}, err
}

// replace judges texts as all the files there are, and makes them so.
func (s *Service) replace(texts map[string][]byte, apply bool) (bus.Step, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	step := bus.Step{Name: "settings", OK: true, Text: "the same"}
	now, err := file.All(s.Dir)
	if err != nil {
		return step, err
	}
	overlay := map[string][]byte{}
	for name := range now {
		overlay[name] = nil // not there, unless among texts
	}
	for name, text := range texts {
		overlay[name] = text
		if text == nil {
			overlay[name] = []byte{}
		}
	}
	loaded, err := s.check(overlay)
	if err != nil {
		return step, err
	}
	if changes := changesOf(s.current.Raw, loaded.Raw); len(changes) > 0 {
		step.Text = strings.Join(changes, "; ")
	} else if !slices.Equal(contents(now), contents(texts)) {
		step.Text = "the values stay, the text of the files changes"
	}
	if !apply {
		return step, nil
	}
	if err := replaceFiles(s.Dir, s.State, texts); err != nil {
		return step, err
	}
	_, err = s.accept(loaded)
	return step, err
}

// contents makes two sets of files comparable.
func contents(texts map[string][]byte) (list []string) {
	for name, text := range texts {
		list = append(list, name+"\x00"+string(text))
	}
	slices.Sort(list)
	return list
}

// pendingName is the file that decides whether all files are replaced or none.
const pendingName = "restore.json"

// replaceFiles replaces all files as one: from the moment the pending file is
// there, a start finishes what a crash left.
func replaceFiles(dir, state string, texts map[string][]byte) error {
	b, err := json.Marshal(kept{texts})
	if err != nil {
		return fmt.Errorf("encoding settings: %w", err)
	}
	if err := file.Write(state, pendingName, b); err != nil {
		return err
	}
	return finishReplacing(dir, state)
}

func finishReplacing(dir, state string) error {
	path := filepath.Join(state, pendingName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var k kept
	if err == nil {
		err = json.Unmarshal(b, &k)
	}
	if err == nil {
		err = file.Replace(dir, k.Settings)
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		return fmt.Errorf("replacing the settings: %w", err)
	}
	return nil
}
