package stanza

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/xmlwire"
)

// A form is read as it is written (XEP-0004 §3).
func TestForms(t *testing.T) {
	f := Form{Type: "form", About: "urn:f", Hidden: true, Fields: []Field{
		{Var: "a", Type: "text-single", Values: []string{"<1>"}}, {Var: "b", Type: "list-multi", Values: []string{"x", "y"}, Options: []string{"x", "y", "z"}},
		{Var: "c", Type: "list-multi", Open: true}}}
	raw := f.Append(nil)
	if want := "<x xmlns='jabber:x:data' type='form'><field var='FORM_TYPE' type='hidden'><value>urn:f</value></field>" +
		"<field var='a' type='text-single'><value>&lt;1&gt;</value></field>" +
		"<field var='b' type='list-multi'><value>x</value><value>y</value><option><value>x</value></option><option><value>y</value></option><option><value>z</value></option></field>" +
		"<field var='c' type='list-multi'><validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:string'><open/></validate></field></x>"; string(raw) != want {
		t.Errorf("%s", raw)
	}
	got, ok := ReadForm(xmlwire.Look(append(append([]byte("<q>"), raw...), "</q>"...), nil))
	for i := range f.Fields { // what is submitted has no options
		f.Fields[i].Options, f.Fields[i].Open = nil, false
	}
	if d := cmp.Diff(f, got); d != "" || !ok {
		t.Errorf("%v %s", ok, d)
	}
	if values, ok := got.Get("b"); !ok || len(values) != 2 {
		t.Errorf("%v", values)
	}
	if _, ok := got.Get("d"); ok {
		t.Error("a field that is not there")
	}
	if _, ok := ReadForm(xmlwire.Look([]byte("<q><x xmlns='other'/></q>"), nil)); ok {
		t.Error("a form of another namespace")
	}
}
