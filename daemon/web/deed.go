package web

import (
	"context"

	"quorate.org/daemon/fault"
)

// deed is what one button does.
type deed func(ctx context.Context, v *visit) (done string, err error)

// deeds are the buttons of a page, by the value of "action".
type deeds map[string]deed

func (d deeds) act(ctx context.Context, v *visit) (string, error) {
	do, known := d[v.form.Get("action")]
	if !known {
		return "", fault.Mend(fault.InvalidArgument, "the form asks for something this page does not do", "load the page again")
	}
	return do(ctx, v)
}

// meant is a deed that wants the question before it answered.
func meant(do deed) deed {
	return func(ctx context.Context, v *visit) (string, error) {
		if v.form.Get("sure") == "" {
			return "", fault.Mend(fault.InvalidArgument, "nothing was changed: this was not confirmed", "press the button again and answer the question")
		}
		return do(ctx, v)
	}
}

// question is asked on a page of its own before a deed that can not be undone.
// It is a link and a form, so that it works without a script.
type question struct {
	Text   string // what will happen
	Button string
	Action string
	Field  string // hidden field of the form with what it is about; may be empty
	Value  string
	Force  string // words of a box to tick; empty when there is none
}

// asked returns the question that the address names by ask=…, nil when there is
// none or the person may not change things.
func (v *visit) asked(questions map[string]question) *question {
	name := v.request.URL.Query().Get("ask")
	q, known := questions[name]
	if !known || !v.changes() {
		return nil
	}
	q.Action = name
	if q.Field != "" {
		q.Value = v.text(q.Field)
	}
	return &q
}
