package web

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// field is one input of a form as its template draws it.
type field struct {
	Name, Label, Hint string
	Value             string   // as typed when the form was refused, else as it is
	Wrong             string   // what is wrong with it; empty otherwise
	Choices           []string // of a select
}

// newField is {{field $ "name" "Label" "hint" value}}.
func newField(f *frame, name, label, hint string, value any) field {
	out := field{Name: name, Label: label, Hint: hint, Value: fmt.Sprint(value), Wrong: f.Wrong[name]}
	if f.Form.Has(name) {
		out.Value = f.Form.Get(name)
	}
	return out
}

// newChoice is {{choose $ "name" "Label" "hint" value list}}: a field that is
// one of a list. A value that is no longer in the list stays a choice.
func newChoice(f *frame, name, label, hint, value string, list []string) field {
	out := newField(f, name, label, hint, value)
	out.Choices = list
	if out.Value != "" && !slices.Contains(list, out.Value) {
		out.Choices = append([]string{out.Value}, list...)
	}
	return out
}

// blame notes what is wrong with a field; the first word on it counts.
func (v *visit) blame(name, reason string) {
	if v.wrong == nil {
		v.wrong = map[string]string{}
	}
	if _, known := v.wrong[name]; !known {
		v.wrong[name] = reason
	}
}

// refusal is the error of a form with wrong fields, nil when there are none.
func (v *visit) refusal() error {
	if len(v.wrong) == 0 {
		return nil
	}
	var reasons []string
	for _, name := range slices.Sorted(maps.Keys(v.wrong)) {
		reasons = append(reasons, v.wrong[name])
	}
	return fault.New(fault.InvalidArgument, "nothing was changed: "+strings.Join(reasons, "\n"))
}

// about shows the refusal of a service at the field it is about, too. One that
// says nothing of the value stays where it is.
func (v *visit) about(name string, err error) error {
	switch fault.CodeOf(err) {
	case fault.InvalidArgument, fault.InvalidName, fault.Exists, fault.NotFound, fault.SecretConflict, fault.WrongSecret,
		fault.WrongDomain, fault.DNS, fault.TCP, fault.KeyMismatch, fault.CertificateName:
		v.blame(name, asFault(err).Message)
	}
	return err
}

// text returns what was typed into a field, without the space around it.
func (v *visit) text(name string) string { return strings.TrimSpace(v.form.Get(name)) }

// changes says whether the person may change things.
func (v *visit) changes() bool { return v.session.role >= bus.Admin }
