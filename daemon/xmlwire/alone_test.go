package xmlwire

import "testing"

// What is taken out of its place brings the declarations with it that it uses.
func TestAlone(t *testing.T) {
	v := Look([]byte(`<iq xmlns:p='P' xmlns:q='Q&apos;'><x xmlns='X' xmlns:q='R'><a/><p:b c='1'><q:d/></p:b><e xmlns='E'/><q:f xmlns:q='F'></q:f></x></iq>`), nil)
	x, _ := v.Child("X", "x")
	want := []string{`<a xmlns='X'/>`, `<p:b xmlns:q='R' xmlns='X' xmlns:p='P' c='1'><q:d/></p:b>`, `<e xmlns='E'/>`, `<q:f xmlns='X' xmlns:q='F'></q:f>`}
	i := 0
	for c := range x.Children() {
		if got := string(c.Alone()); got != want[i] {
			t.Errorf("%s stands alone as %s, want %s", c.Raw, got, want[i])
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d children", i)
	}
	q, _ := v.Child("X", "x")
	if got := string(q.Alone()); got != `<x xmlns:p='P' xmlns='X' xmlns:q='R'>`+string(q.inner)+`</x>` {
		t.Errorf("%s", got)
	}
}
