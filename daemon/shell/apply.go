package shell

import (
	"context"
	"errors"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// known are the texts of faults that were there before a command.
type known map[string]bool

// values reads the effective settings.
func (s *Shell) values(ctx context.Context) (map[string]any, error) {
	return s.conn.Config().Values(ctx)
}

// set stores settings and waits until the XMPP service has taken them over.
// Faults that were there before do not make it a failure.
func (s *Shell) set(ctx context.Context, values map[string]any, done string) error {
	return s.setKnowing(ctx, s.knownFaults(ctx), values, done)
}

func (s *Shell) setKnowing(ctx context.Context, before known, values map[string]any, done string) error {
	undo, err := s.undo(ctx, values)
	if err != nil {
		return err
	}
	generation, err := s.conn.Config().Set(ctx, values)
	if err != nil {
		return err
	}
	err = s.applied(ctx, generation, before, done)
	if errors.Is(err, errNotApplied) && undo(ctx) {
		return fault.Mend(fault.WrongState, "nothing was changed", "journalctl -u quorate-xmpp")
	}
	return err
}

// errNotApplied is what applied says of settings that are stored and have no,
// or not all, effect.
var errNotApplied = fault.Mend(fault.WrongState, "stored, but not everything could be applied", "journalctl -u quorate-xmpp")

// undo returns what takes the keys of values back to where they are now, and
// reports whether it did.
func (s *Shell) undo(ctx context.Context, values map[string]any) (func(context.Context) bool, error) {
	settings, err := s.conn.Config().Settings(ctx)
	if err != nil {
		return nil, err
	}
	now, err := s.values(ctx)
	if err != nil {
		return nil, err
	}
	before, unset := map[string]any{}, []string{}
	for _, x := range settings {
		switch _, changes := values[x.Key]; {
		case !changes:
		case strings.HasPrefix(x.Source, ownFile):
			before[x.Key] = now[x.Key]
		default:
			unset = append(unset, x.Key)
		}
	}
	return func(ctx context.Context) bool {
		var generation uint64
		var err error
		if len(before) > 0 {
			generation, err = s.conn.Config().Set(ctx, before)
		}
		if err == nil && len(unset) > 0 {
			generation, err = s.conn.Config().Unset(ctx, unset)
		}
		if err == nil {
			_, err = s.conn.Xmpp().Applied(ctx, generation)
		}
		return err == nil
	}, nil
}

// ownFile is where the configuration service keeps what commands set.
const ownFile = "conf.d/90-quorate.toml"

// unset takes settings back, as set stores them.
func (s *Shell) unset(ctx context.Context, keys []string, done string) error {
	before := s.knownFaults(ctx)
	generation, err := s.conn.Config().Unset(ctx, keys)
	if err != nil {
		return err
	}
	return s.applied(ctx, generation, before, done)
}

// knownFaults asks what is wrong already. A service that does not answer is
// dealt with when the settings are applied.
func (s *Shell) knownFaults(ctx context.Context) known {
	status, err := s.conn.Xmpp().Status(ctx)
	if err != nil {
		return nil
	}
	before := known{}
	for _, f := range status.Faults {
		before[f.Text] = true
	}
	return before
}

// applied waits until the XMPP service has taken a generation of the settings
// over, and says how that went. A service that does not run is no failure.
func (s *Shell) applied(ctx context.Context, generation uint64, before known, done string) error {
	steps, err := s.conn.Xmpp().Applied(ctx, generation)
	if absent(err) {
		s.success("%s; it takes effect when the XMPP service starts", done)
		return nil
	}
	if err != nil {
		return err
	}
	if !s.steps(s.warnOf(before, steps)) {
		return errNotApplied
	}
	s.success("%s", done)
	return nil
}

// warnOf prints the faults that were there before and returns the other steps.
func (s *Shell) warnOf(before known, steps []bus.Step) []bus.Step {
	var others []bus.Step
	for _, step := range steps {
		if step.OK || !before[step.Text] {
			others = append(others, step)
			continue
		}
		s.warning(step.Text, step.Remedy)
	}
	return others
}
