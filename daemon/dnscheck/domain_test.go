package dnscheck

import (
	"testing"

	"quorate.org/daemon/fault"
)

func TestDomain(t *testing.T) {
	for name, want := range map[string]string{
		"Meet.Example.": "meet.example", "bücher.example": "xn--bcher-kva.example", "": "", ".": "", "a b": "", "a..b": "", "-.example": "",
	} {
		got, err := Domain(name)
		if got != want || (err != nil) != (want == "") || err != nil && fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("Domain(%q) = %q, %v", name, got, err)
		}
	}
}
