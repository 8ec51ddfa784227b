package replica

import (
	"errors"
	"strings"
	"testing"

	"quorate.org/daemon/fault"
)

// later has the operations of this software need a format for the time of a test.
func later(t *testing.T, op Op, format int) {
	t.Helper()
	since[op] = format
	t.Cleanup(func() { delete(since, op) })
}

func wantVersion(t *testing.T, what string, err error, words string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Version || !strings.Contains(f.Error()+f.Remedy, words) {
		t.Errorf("%s: %v, want a fault of versions with %q", what, err, words)
	}
}

// What a newer version wrote is refused, whatever makes it newer, and is never read
// in part.
func TestNewerEntriesAreNotRead(t *testing.T) {
	for what, entry := range map[string]string{
		"a later format":         `{"op":"domain","domain":"meet.example","format":2}`,
		"an unknown operation":   `{"op":"future"}`,
		"an unknown field":       `{"op":"domain","domain":"meet.example","colour":"red"}`,
		"unknown within a batch": `{"op":"batch","batch":[{"op":"domain","domain":"meet.example"},{"op":"future"}]}`,
		"a field within a batch": `{"op":"batch","batch":[{"op":"domain","domain":"meet.example","colour":"red"}]}`,
	} {
		_, err := DecodeCommand([]byte(entry))
		wantVersion(t, what, err, "upgrade this node")
	}
	for _, entry := range []string{`{"op":"domain","domain":"meet.example"}`, string(EncodeCommand(Batch([]Command{SetDomain("meet.example")})))} {
		if _, err := DecodeCommand([]byte(entry)); err != nil {
			t.Errorf("%s: %v", entry, err)
		}
	}
	later(t, OpDomain, 2)
	_, err := DecodeCommand([]byte(`{"op":"domain","domain":"meet.example"}`))
	wantVersion(t, "an operation that came later", err, "format 2")
	_, err = Decode([]byte(`{"format":2}`))
	wantVersion(t, "a later state", err, "format 2")
}

// While one member is older, nothing is written that it could not read; when all
// are newer, no older one comes in.
func TestOlderMembers(t *testing.T) {
	later(t, OpPrivate, 2)
	wantVersion(t, "a command that this version does not know", New().MayHold(Command{Op: OpPrivate}), "upgrade this node")
	s := New()
	old := Member{ID: "a", Name: "cb1", Version: "1.0", Format: 1}
	s.Members = map[string]Member{"a": old, "b": {ID: "b", Name: "cb2", Version: "2.0", Format: 2}}
	wantVersion(t, "a command that cb1 does not know", s.mayHold(Command{Op: OpPrivate}, 2), "upgrade cb1 first")
	wantVersion(t, "one in a batch", s.mayHold(Batch([]Command{SetDomain("x"), {Op: OpPrivate}}), 2), "upgrade cb1 first")
	if err := s.MayHold(SetDomain("x")); err != nil {
		t.Error(err)
	}
	if err := s.keepsUp(Member{Name: "cb3"}); err != nil { // of before members said what they read
		t.Error(err)
	}
	s.Members = map[string]Member{"b": s.Members["b"]}
	wantVersion(t, "an older member", s.keepsUp(old), "upgrade cb1")
}
