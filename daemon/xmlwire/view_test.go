package xmlwire

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func TestView(t *testing.T) {
	v := Look([]byte(`<iq xmlns:p='P' a="1"><q xmlns='Q' n='&amp;'>x<r/>y<![CDATA[<`+"\r\n"+`&]]>&#122;</q><p:q>z</p:q><q/></iq >`), nil)
	if !v.Is("", "iq") || v.Get("a").String() != "1" || v.Get("b").Present() {
		t.Errorf("%+v", v)
	}
	q, ok := v.Child("Q", "q")
	if !ok || q.Text() != "xy<\n&z" || q.Get("n").String() != "&" {
		t.Errorf("%q %v", q.Text(), ok)
	}
	if r, ok := q.Child("Q", "r"); !ok || r.Text() != "" || string(r.Raw) != "<r/>" {
		t.Errorf("%+v", r)
	}
	if p, ok := v.Child("P", "q"); !ok || p.Text() != "z" {
		t.Errorf("%+v", p)
	}
	if e, ok := v.Child("", "q"); !ok || string(e.Raw) != "<q/>" {
		t.Errorf("%+v", e)
	}
	if n, ok := v.Child("N", "q"); ok || len(n.Name) != 0 || n.Text() != "" {
		t.Errorf("%+v", n)
	}
	n := 0
	for range v.Children() {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d children", n)
	}
}

// With the header, prefixes and the content namespace are those of the stream.
func TestViewOnStream(t *testing.T) {
	raw, h := stanzaOn(t, heads[1], "<presence><show>away</show><q:x r:y='1'/></presence>")
	v := Look(raw, h)
	if c, ok := v.Child(NSClient, "show"); !ok || c.Text() != "away" {
		t.Errorf("%+v", c)
	}
	if _, ok := v.Child("urn:q", "x"); !ok {
		t.Error("the stream's prefix is not known")
	}
	if c, ok := Look(raw, nil).Child("", "show"); !ok || c.Text() != "away" {
		t.Errorf("%+v", c)
	}
}

// What is declared around many children is not copied for each that declares
// something itself.
func TestLookSharesScopes(t *testing.T) {
	var b strings.Builder
	b.WriteString("<message")
	for i := range 60 {
		fmt.Fprintf(&b, " xmlns:a%d='u'", i)
	}
	b.WriteString(">" + strings.Repeat("<x xmlns='b'/>", 10000) + "</message>")
	raw := []byte(b.String())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	for c := range Look(raw, nil).Children() {
		if c.Is("b", "x") {
			n++
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; n != 10000 || took > 40*uint64(len(raw)) {
		t.Errorf("%d children of %d bytes took %d", n, len(raw), took)
	}
}

// FuzzLook: bytes that no scanner accepted make no panic and no endless walk.
func FuzzLook(f *testing.F) {
	for _, b := range bodies {
		f.Add([]byte(b))
	}
	for _, s := range []string{"", "<", "<a", "<>", "</>", "<a b=", "<a b='", "<a><![CDATA[", "<a><b></a>", "<a>&", "</a>", "<a></a></b>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if n := size(Look(in, nil), 0); n > len(in) {
			t.Fatalf("%q: %d elements", in, n)
		}
	})
}

// size counts elements to a depth that keeps hostile nesting from costing
// quadratic time.
func size(v View, depth int) int {
	n := 0
	if len(v.Name) > 0 {
		n = 1
	}
	_ = v.Text()
	if depth < 10 {
		for c := range v.Children() {
			n += size(c, depth+1)
		}
	}
	return n
}
