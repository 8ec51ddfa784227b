package stanza

import (
	"slices"

	"quorate.org/daemon/xmlwire"
)

// NSForm qualifies data forms (XEP-0004).
const NSForm = "jabber:x:data"

// Form is a data form; FORM_TYPE (XEP-0068 §3.1) stands beside the other fields.
type Form struct {
	Type   string // "form", "submit", "result" or "cancel"
	About  string // FORM_TYPE
	Hidden bool   // that is a field of type hidden, as of what is sent as a result (XEP-0068 §3)
	Fields []Field
}

// Field is one field of a form.
type Field struct {
	Var     string   `json:"var"`
	Type    string   `json:"type,omitempty"` // "" in what is submitted
	Values  []string `json:"values,omitempty"`
	Options []string `json:"-"`
	Open    bool     `json:"-"` // a list to which any value may be added (XEP-0122 §3.2.1)
}

// ReadForm reads the form that is a child of an element; ok is false if there is
// none.
func ReadForm(parent xmlwire.View) (f Form, ok bool) {
	x, ok := parent.Child(NSForm, "x")
	if !ok {
		return f, false
	}
	return FormOf(x), true
}

// FormOf reads the form x.
func FormOf(x xmlwire.View) Form {
	f := Form{Type: x.Get("type").String()}
	for c := range x.Children() {
		if !c.Is(NSForm, "field") {
			continue
		}
		field := Field{Var: c.Get("var").String(), Type: c.Get("type").String()}
		for v := range c.Children() {
			if v.Is(NSForm, "value") {
				field.Values = append(field.Values, v.Text())
			}
		}
		if field.Var == "FORM_TYPE" && len(field.Values) > 0 {
			f.About, f.Hidden = field.Values[0], field.Type == "hidden"
			continue
		}
		f.Fields = append(f.Fields, field)
	}
	return f
}

// Get returns a field's values; ok is false if it is not there.
func (f Form) Get(name string) (values []string, ok bool) {
	i := slices.IndexFunc(f.Fields, func(e Field) bool { return e.Var == name })
	if i < 0 {
		return nil, false
	}
	return f.Fields[i].Values, true
}

// Append appends the form as an element.
func (f Form) Append(dst []byte) []byte {
	dst = append(dst, "<x"...)
	dst = attrs(dst, "xmlns", NSForm, "type", f.Type)
	dst = append(dst, '>')
	if f.About != "" {
		dst = Field{Var: "FORM_TYPE", Type: "hidden", Values: []string{f.About}}.append(dst)
	}
	for _, e := range f.Fields {
		dst = e.append(dst)
	}
	return append(dst, "</x>"...)
}

func (e Field) append(dst []byte) []byte {
	dst = append(dst, "<field"...)
	dst = attrs(dst, "var", e.Var, "type", e.Type)
	dst = append(dst, '>')
	if e.Open {
		dst = append(dst, "<validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:string'><open/></validate>"...)
	}
	for _, v := range e.Values {
		dst = appendText(dst, "value", v)
	}
	for _, o := range e.Options {
		dst = append(dst, "<option>"...)
		dst = appendText(dst, "value", o)
		dst = append(dst, "</option>"...)
	}
	return append(dst, "</field>"...)
}

// appendText appends an element of nothing but text.
func appendText(dst []byte, name, text string) []byte {
	dst = append(dst, '<')
	dst = append(dst, name...)
	dst = append(dst, '>')
	dst = xmlwire.AppendEscaped(dst, text)
	dst = append(dst, "</"...)
	dst = append(dst, name...)
	return append(dst, '>')
}
