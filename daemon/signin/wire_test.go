package signin

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"quorate.org/daemon/fault"
)

// FuzzRequest: whatever comes is a request that means the same when it is
// written again, or InvalidArgument; a failed one leaves no password.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"user":"admin","password":"eA==","from":"192.0.2.7"}` + "\n"))
	f.Add([]byte(`{"user":"admin","password":"eA=="`))
	f.Add([]byte(`{"password":"eA==","user":1}` + "\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := readRequest(bytes.NewReader(in))
		if err != nil {
			if fault.CodeOf(err) != fault.InvalidArgument || r.Password != nil {
				t.Fatalf("%+v, %v", r, err)
			}
			return
		}
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readRequest(bytes.NewReader(append(line, '\n')))
		// Writing escapes what reading need not find escaped, and may so be too long.
		if err != nil && len(line) < maxLine || err == nil && (again.User != r.User || again.From != r.From || !bytes.Equal(again.Password, r.Password)) {
			t.Fatalf("%+v became %+v, %v", r, again, err)
		}
	})
}

// A request ends at its line feed and within its bound.
func TestRequestBounds(t *testing.T) {
	fits := `{"user":"` + strings.Repeat("x", maxLine-12-1) + `"}` + "\n"
	for in, ok := range map[string]bool{
		`{"user":"a"}` + "\nrest": true, `{"user":"a"}`: false, "": false, fits: true, "x" + fits: false,
	} {
		if _, err := readRequest(strings.NewReader(in)); (err == nil) != ok {
			t.Errorf("%d bytes %.20q: %v", len(in), in, err)
		}
	}
}
