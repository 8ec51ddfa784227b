package replica

import (
	"bytes"
	"encoding/json"
	"fmt"

	"quorate.org/daemon/fault"
)

type envelope struct {
	Format int `json:"format"`
	*State
}

// Encode returns the state as bytes, in the format that every member reads. Equal
// states give equal bytes.
func Encode(s *State) []byte {
	b, err := json.Marshal(envelope{s.Reads(), s})
	if err != nil {
		panic(fmt.Sprintf("replica: encoding state: %v", err)) // maps, slices, strings and integers always encode
	}
	return b
}

// Decode reads what Encode wrote. It fails on damaged bytes and, with
// fault.Version, on a state that a newer version of the software wrote.
func Decode(b []byte) (*State, error) {
	e := envelope{State: New()}
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, fmt.Errorf("decoding replicated state: %w", err)
	}
	if e.Format < 1 || e.Format > Format {
		return nil, unread("the stored state", e.Format)
	}
	return e.State.filled(), nil
}

// filled replaces the nil maps that a JSON null leaves, and has what follows from
// the rest.
func (s *State) filled() *State {
	empty := New()
	if s.CallBridges == nil {
		s.CallBridges = empty.CallBridges
	}
	if s.Accounts == nil {
		s.Accounts = empty.Accounts
	}
	if s.Members == nil {
		s.Members = empty.Members
	}
	if s.Removed == nil {
		s.Removed = empty.Removed
	}
	s.registered = registrations(&s.Users)
	return s
}

// EncodeCommand returns a command as the bytes of a log entry.
func EncodeCommand(c Command) []byte {
	c.Format = c.Needs()
	b, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("replica: encoding command: %v", err))
	}
	return b
}

// DecodeCommand reads what EncodeCommand wrote. It fails with fault.Version on a
// command of a newer version: what is not known whole must not be applied in part.
func DecodeCommand(b []byte) (Command, error) {
	var c Command
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		var of struct{ Format int }
		if json.Unmarshal(b, &of) == nil {
			return Command{}, unread("an entry of the log ("+err.Error()+")", of.Format)
		}
		return Command{}, fmt.Errorf("decoding command: %w", err)
	}
	switch need := max(c.Format, c.Needs()); {
	case need == unknown:
		return Command{}, fault.Mend(fault.Version, fmt.Sprintf("an entry of the log is a command (%q) that this version does not know", c.Op), "upgrade this node")
	case need > Format:
		return Command{}, unread("an entry of the log", need)
	}
	return c, nil
}
