package replica

import (
	"encoding/json"
	"fmt"

	"quorate.org/daemon/fault"
)

// format is the version of the encoding of State. A reader refuses a newer one.
const format = 1

type envelope struct {
	Format int `json:"format"`
	*State
}

// Encode returns the state as bytes. Equal states give equal bytes.
func Encode(s *State) []byte {
	b, err := json.Marshal(envelope{format, s})
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
	if e.Format != format {
		return nil, fault.Mend(fault.Version,
			fmt.Sprintf("the stored state has format %d and this version reads format %d", e.Format, format),
			"upgrade this node")
	}
	return e.State.filled(), nil
}

// filled replaces the nil maps that a JSON null leaves.
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
	return s
}

// EncodeCommand returns a command as the bytes of a log entry.
func EncodeCommand(c Command) []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("replica: encoding command: %v", err))
	}
	return b
}

// DecodeCommand reads what EncodeCommand wrote.
func DecodeCommand(b []byte) (Command, error) {
	var c Command
	if err := json.Unmarshal(b, &c); err != nil {
		return Command{}, fmt.Errorf("decoding command: %w", err)
	}
	return c, nil
}
