package confd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/settings"
	"quorate.org/daemon/settings/file"
)

// Reload reads the files again.
func (s *Service) Reload(context.Context, bus.Caller) (uint64, error) { return s.reload() }

// Set stores values in the service's own drop-in. All of them are good and take
// effect, or nothing changes. The files are read for it, so a hand edit not yet
// reloaded comes in force with it, or is why it is refused.
func (s *Service) Set(_ context.Context, _ bus.Caller, values map[string]any) (uint64, error) {
	wanted, err := convert(values)
	if err != nil {
		return 0, err
	}
	return s.edit(wanted, nil)
}

// Unset removes keys from the service's own drop-in.
func (s *Service) Unset(_ context.Context, _ bus.Caller, keys []string) (uint64, error) {
	for _, key := range keys {
		if _, ok := settings.Find(key); !ok {
			return 0, fault.Mend(fault.InvalidArgument, key+": "+settings.Unknown(key), "config show")
		}
	}
	return s.edit(nil, keys)
}

// convert checks values on their own: native ones, or texts as a person types
// them.
func convert(values map[string]any) (settings.Raw, error) {
	out := make(settings.Raw, len(values))
	var problems []string
	for key, v := range values {
		var p *settings.Problem
		if text, ok := v.(string); ok {
			out[key], p = settings.Parse(key, text)
		} else {
			out[key], p = settings.Convert(key, v)
		}
		if p != nil {
			problems = append(problems, p.Error())
		}
	}
	if len(problems) > 0 {
		sort.Strings(problems)
		return nil, fault.Mend(fault.InvalidArgument, strings.Join(problems, "\n"), "config show "+slices.Sorted(maps.Keys(values))[0]+" describes what is taken")
	}
	return out, nil
}

// edit changes the own drop-in as a draft, judges the whole, then writes.
func (s *Service) edit(set settings.Raw, unset []string) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own, err := s.own()
	if err != nil {
		return 0, err
	}
	for key, v := range set {
		own[key] = v
	}
	for _, key := range unset {
		delete(own, key)
	}
	draft := file.OwnText(own)
	loaded, err := s.check(map[string][]byte{file.Own: draft})
	if err != nil {
		return 0, unplaced(err)
	}
	if err := overridden(loaded, set); err != nil {
		return 0, err
	}
	return s.put(loaded, file.Own, draft)
}

// unplaced leaves the place out of what is wrong with a draft of the own
// drop-in: no file has that line, and none is to be mended.
func unplaced(err error) error {
	lines := strings.Split(reason(err), "\n")
	for i, line := range lines {
		rest, own := strings.CutPrefix(line, file.Own+":")
		if !own {
			return err
		}
		_, lines[i], _ = strings.Cut(rest, ": ")
	}
	return fault.Mend(fault.InvalidArgument, strings.Join(lines, "\n"), "config show lists the values in effect")
}

func reason(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Message
	}
	return err.Error()
}

// own reads what the own drop-in sets now.
func (s *Service) own() (settings.Raw, error) {
	text, err := file.Read(s.Dir, file.Own)
	if err != nil {
		return nil, refused(err)
	}
	raw, err := file.Check(file.Own, text)
	if err != nil {
		return nil, refused(err)
	}
	return raw, nil
}

// overridden refuses to set what a later file sets otherwise: it would be stored
// and have no effect.
func overridden(loaded *file.Loaded, set settings.Raw) error {
	var lost []string
	for key, v := range set {
		if !reflect.DeepEqual(loaded.Raw[key], v) {
			lost = append(lost, fmt.Sprintf("%s: %s comes later and sets it too", loaded.Sources[key], key))
		}
	}
	if len(lost) == 0 {
		return nil
	}
	slices.Sort(lost)
	return fault.Mend(fault.InvalidConfiguration, strings.Join(lost, "\n"), "change it in that file, or remove it there")
}

// WriteFile checks text as quorate.toml among the drop-ins and replaces the
// file when the whole is good.
func (s *Service) WriteFile(_ context.Context, _ bus.Caller, text string) (uint64, error) {
	if len(text) > file.Limit {
		return 0, fault.New(fault.InvalidArgument, fmt.Sprintf("the file is larger than %d bytes", file.Limit))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	loaded, err := s.check(map[string][]byte{file.Main: []byte(text)})
	if err != nil {
		return 0, err
	}
	return s.put(loaded, file.Main, []byte(text))
}
