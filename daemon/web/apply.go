package web

import (
	"context"
	"reflect"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/settings"
)

// ownFile is where the configuration service keeps what is set from here.
const ownFile = "conf.d/90-quorate.toml"

// store sets what differs from what is in force, so that the person's own file
// stays the source of everything else. It reports whether anything did.
func (v *visit) store(ctx context.Context, values map[string]any) (generation uint64, changed bool, err error) {
	now, err := v.session.bus.Config().Values(ctx)
	if err != nil {
		return 0, false, err
	}
	wanted := map[string]any{}
	for key, value := range values {
		if have, known := now[key]; !known || !reflect.DeepEqual(have, value) {
			wanted[key] = value
		}
	}
	if len(wanted) == 0 {
		return 0, false, nil
	}
	generation, err = v.session.bus.Config().Set(ctx, wanted)
	return generation, err == nil, err
}

// set stores settings of the XMPP service and waits until it has taken them
// over. What it can not take over is taken back.
func (v *visit) set(ctx context.Context, values map[string]any, done string) (string, error) {
	before := v.knownFaults(ctx)
	undo, err := v.undo(ctx, values)
	if err != nil {
		return "", err
	}
	generation, changed, err := v.store(ctx, values)
	if err != nil {
		return "", err
	}
	if !changed {
		return "nothing to change: " + done, nil
	}
	steps, err := v.session.bus.Xmpp().Applied(ctx, generation)
	if fault.CodeOf(err) == fault.Unavailable {
		return done + "; it takes effect when the XMPP service starts", nil
	}
	if err != nil {
		return "", err
	}
	if bad := failing(steps, before); bad != nil {
		if undo(ctx) {
			return "", fault.Mend(fault.WrongState, "nothing was changed: "+bad.Message, bad.Remedy)
		}
		return "", fault.Mend(fault.WrongState, "stored, but not everything could be applied: "+bad.Message, bad.Remedy)
	}
	return done, nil
}

// knownFaults are the texts of what is wrong already and so not of a change's
// making.
func (v *visit) knownFaults(ctx context.Context) map[string]bool {
	before := map[string]bool{}
	status, err := v.session.bus.Xmpp().Status(ctx)
	if err != nil {
		return before
	}
	for _, f := range status.Faults {
		before[f.Text] = true
	}
	return before
}

// failing puts the steps that failed in one fault with the first remedy.
func failing(steps []bus.Step, before map[string]bool) *fault.Error {
	var texts []string
	remedy := ""
	for _, step := range steps {
		text := step.Text
		if text == "" {
			text = step.Name
		}
		if step.OK || before[text] {
			continue
		}
		texts = append(texts, text)
		if remedy == "" {
			remedy = step.Remedy
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return fault.Mend(fault.WrongState, strings.Join(texts, "\n"), remedy)
}

// undo returns what takes the keys of values back to where they are now, and
// reports whether it did.
func (v *visit) undo(ctx context.Context, values map[string]any) (func(context.Context) bool, error) {
	config := v.session.bus.Config()
	list, err := config.Settings(ctx)
	if err != nil {
		return nil, err
	}
	now, err := config.Values(ctx)
	if err != nil {
		return nil, err
	}
	before, unset := map[string]any{}, []string{}
	for _, s := range list {
		switch _, touched := values[s.Key]; {
		case !touched:
		case strings.HasPrefix(s.Source, ownFile):
			before[s.Key] = now[s.Key]
		default:
			unset = append(unset, s.Key)
		}
	}
	return func(ctx context.Context) bool { return takeBack(ctx, v.session.bus, before, unset) }, nil
}

func takeBack(ctx context.Context, conn *bus.Conn, before map[string]any, unset []string) bool {
	var generation uint64
	var err error
	if len(before) > 0 {
		generation, err = conn.Config().Set(ctx, before)
	}
	if err == nil && len(unset) > 0 {
		generation, err = conn.Config().Unset(ctx, unset)
	}
	if err == nil {
		_, err = conn.Xmpp().Applied(ctx, generation)
	}
	return err == nil
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
