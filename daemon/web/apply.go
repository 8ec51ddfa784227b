package web

import (
	"context"
	"reflect"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/change"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/settings"
)

// store sets what differs from what is in force. It reports whether anything did.
func (v *visit) store(ctx context.Context, values map[string]any) (changed bool, err error) {
	wanted, err := v.differing(ctx, values)
	if err != nil || len(wanted) == 0 {
		return false, err
	}
	_, err = v.session.bus.Config().Set(ctx, wanted)
	return err == nil, err
}

// differing returns those of values that are not in force, so that the person's
// own file stays the source of everything else. A secret, which is not told,
// always differs.
func (v *visit) differing(ctx context.Context, values map[string]any) (map[string]any, error) {
	now, err := v.session.bus.Config().Values(ctx)
	if err != nil {
		return nil, err
	}
	wanted := map[string]any{}
	for key, value := range values {
		if have, known := now[key]; !known || !reflect.DeepEqual(have, value) {
			wanted[key] = value
		}
	}
	return wanted, nil
}

// set stores settings of the XMPP service and waits until it has taken them
// over. What it can not take over is taken back.
func (v *visit) set(ctx context.Context, values map[string]any, done string) (string, error) {
	conn := v.session.bus
	wanted, err := v.differing(ctx, values)
	if err != nil {
		return "", err
	}
	if len(wanted) == 0 {
		return "nothing to change: " + done, nil
	}
	out, err := change.Set(ctx, conn, change.Look(ctx, conn), wanted)
	if err != nil {
		return "", err
	}
	bad := failing(out.Steps)
	switch {
	case out.Waiting:
		return done + "; it takes effect when the XMPP service starts", nil
	case bad == nil:
		return done, nil
	case out.TakenBack:
		return "", fault.Mend(fault.WrongState, "nothing was changed: "+bad.Message, bad.Remedy)
	}
	return "", fault.Mend(fault.WrongState, "stored, but not everything could be applied: "+bad.Message, bad.Remedy)
}

// failing puts the steps that failed in one fault with the first remedy.
func failing(steps []bus.Step) *fault.Error {
	var texts []string
	remedy := ""
	for _, step := range change.Failed(steps) {
		texts = append(texts, change.Text(step))
		if remedy == "" {
			remedy = step.Remedy
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return fault.Mend(fault.WrongState, strings.Join(texts, "\n"), remedy)
}

// parse reads the fields of a form as the settings they stand for, and blames
// each that is not good.
func (v *visit) parse(keys map[string]string) map[string]any {
	out := map[string]any{}
	for name, key := range keys {
		value, problem := settings.Parse(key, v.text(name))
		if problem != nil {
			v.blame(name, problem.Reason)
			continue
		}
		out[key] = value
	}
	return out
}

// inForce reads the settings in force; the secrets are not among them.
func inForce(ctx context.Context, conn *bus.Conn) (settings.Values, error) {
	values, err := conn.Config().Values(ctx)
	if err != nil {
		return settings.Values{}, err
	}
	return settings.Decode(values)
}
