package shell

import (
	"context"

	"quorate.org/daemon/change"
	"quorate.org/daemon/fault"
)

// values reads the effective settings.
func (s *Shell) values(ctx context.Context) (map[string]any, error) {
	return s.conn.Config().Values(ctx)
}

// set stores settings and waits until the XMPP service has taken them over.
// Faults that were there before do not make it a failure.
func (s *Shell) set(ctx context.Context, values map[string]any, done string) error {
	return s.setKnowing(ctx, change.Look(ctx, s.conn), values, done)
}

func (s *Shell) setKnowing(ctx context.Context, known change.Known, values map[string]any, done string) error {
	out, err := change.Set(ctx, s.conn, known, values)
	if err != nil {
		return err
	}
	return s.outcome(out, done)
}

// unset takes settings back, as set stores them.
func (s *Shell) unset(ctx context.Context, keys []string, done string) error {
	known := change.Look(ctx, s.conn)
	generation, err := s.conn.Config().Unset(ctx, keys)
	if err != nil {
		return err
	}
	return s.applied(ctx, generation, known, done)
}

// applied waits until the XMPP service has taken a generation of the settings
// over, and says how that went.
func (s *Shell) applied(ctx context.Context, generation uint64, known change.Known, done string) error {
	out, err := change.Await(ctx, s.conn, known, generation)
	if err != nil {
		return err
	}
	return s.outcome(out, done)
}

// outcome says what became of a change. A service that does not run is no
// failure.
func (s *Shell) outcome(out change.Outcome, done string) error {
	for _, step := range out.Old {
		s.warning(change.Text(step), step.Remedy)
	}
	switch ok := s.steps(out.Steps); {
	case out.Waiting:
		s.success("%s; it takes effect when the XMPP service starts", done)
	case ok:
		s.success("%s", done)
	case out.TakenBack:
		return fault.Mend(fault.WrongState, "nothing was changed", "journalctl -u quorate-xmpp")
	default:
		return fault.Mend(fault.WrongState, "stored, but not everything could be applied", "journalctl -u quorate-xmpp")
	}
	return nil
}
