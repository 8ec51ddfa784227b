package change

import (
	"context"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// Known are the texts of faults that were there before a change, and so are not
// of its making.
type Known map[string]bool

// Look asks what is wrong already. A service that does not answer knows nothing;
// it is dealt with when the settings are applied.
func Look(ctx context.Context, conn *bus.Conn) Known {
	status, err := conn.Xmpp().Status(ctx)
	if err != nil {
		return nil
	}
	known := Known{}
	for _, f := range status.Faults {
		known[f.Text] = true
	}
	return known
}

// Outcome is what became of a change.
type Outcome struct {
	Waiting   bool       // the XMPP service does not run; it takes effect when it starts
	Old       []bus.Step // failed, for a fault that was known before
	Steps     []bus.Step // the others
	TakenBack bool       // some of Steps failed, and everything is as it was
}

// Failed returns those of the steps that failed.
func Failed(steps []bus.Step) (failed []bus.Step) {
	for _, step := range steps {
		if !step.OK {
			failed = append(failed, step)
		}
	}
	return failed
}

// Text is what a step says, or its name when it says nothing.
func Text(step bus.Step) string {
	if step.Text == "" {
		return step.Name
	}
	return step.Text
}

// Set stores settings and waits until the XMPP service has taken them over. When
// it can not, for a fault that is not known, they are taken back. An error says
// that nothing was stored, or that the service did not tell.
func Set(ctx context.Context, conn *bus.Conn, known Known, values map[string]any) (Outcome, error) {
	undo, err := before(ctx, conn, values)
	if err != nil {
		return Outcome{}, err
	}
	generation, err := conn.Config().Set(ctx, values)
	if err != nil {
		return Outcome{}, err
	}
	out, err := Await(ctx, conn, known, generation)
	if err == nil && len(Failed(out.Steps)) > 0 {
		out.TakenBack = undo.do(ctx, conn)
	}
	return out, err
}

// Await waits until the XMPP service has taken a generation of the settings over.
func Await(ctx context.Context, conn *bus.Conn, known Known, generation uint64) (out Outcome, err error) {
	steps, err := conn.Xmpp().Applied(ctx, generation)
	if fault.CodeOf(err) == fault.Unavailable {
		return Outcome{Waiting: true}, nil
	}
	for _, step := range steps {
		if !step.OK && known[Text(step)] {
			out.Old = append(out.Old, step)
		} else {
			out.Steps = append(out.Steps, step)
		}
	}
	return out, err
}
