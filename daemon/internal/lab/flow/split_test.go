package flow

import (
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	tests := []struct {
		in   string
		want string // the first element, "" when incomplete
		end  bool
	}{
		{"<a/>", "<a/>", false},
		{" \n<a/><b/>", " \n<a/>", false},
		{"<a><b>x</b><c/></a><d/>", "<a><b>x</b><c/></a>", false},
		{"<a><b>x</b>", "", false},
		{"<a", "", false},
		{"", "", false},
		{"<", "", false},
		{"</stream:stream>", "</stream:stream>", true},
	}
	for _, tc := range tests {
		n, end := split([]byte(tc.in))
		if got := tc.in[:n]; got != tc.want || end != tc.end {
			t.Errorf("split(%q) = %q, %v; want %q, %v", tc.in, got, end, tc.want, tc.end)
		}
	}
}

func TestAttr(t *testing.T) {
	tests := []struct{ in, name, want string }{
		{"<a id='1' to=\"b\"/>", "id", "1"},
		{"<a id='1' to=\"b\"/>", "to", "b"},
		{"<a xid='2' id='1'/>", "id", "1"},
		{"<a><b id='1'/></a>", "id", ""},
		{"<a id", "id", ""},
	}
	for _, tc := range tests {
		if got := string(attr([]byte(tc.in), tc.name)); got != tc.want {
			t.Errorf("attr(%q, %q) = %q, want %q", tc.in, tc.name, got, tc.want)
		}
	}
}

// However the bytes arrive, the elements are the same.
func FuzzSplit(f *testing.F) {
	f.Add("<a/><b>c</b></stream:stream>", 3)
	f.Fuzz(func(t *testing.T, in string, cut int) {
		n, end := split([]byte(in))
		if n < 0 || n > len(in) {
			t.Fatalf("split(%q) = %d", in, n)
		}
		if end && !strings.Contains(in[:n], "</") {
			t.Fatalf("split(%q) ends without an end tag", in)
		}
		if cut > 0 && cut < n {
			if part, _ := split([]byte(in[:cut])); part != 0 {
				t.Fatalf("split(%q) finds %d bytes, with more it finds %d", in[:cut], part, n)
			}
		}
		attr([]byte(in), "id")
		text([]byte(in), "body")
	})
}
