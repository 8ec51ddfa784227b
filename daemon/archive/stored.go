package archive

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
)

// Stored is an entry as a file has it, which what it holds belongs to. It is read
// without a copy: a query looks at each message of an archive.
type Stored struct {
	Clock uint64
	value []byte
	rest  int // where With begins in value
	raw   int // where the message begins
}

// Scan yields the entries of an archive from a clock on, until it returns false;
// what it yields holds during the call.
type Scan func(from uint64, yield func(Stored) bool)

var errDamaged = errors.New("an archived message is damaged")

// withAt is where the length of With stands: behind name and time.
const withAt = idBytes + 8

// AppendValue appends all but the clock: name, time, length of With, With, the rest.
func (e Entry) AppendValue(b []byte) []byte {
	name, _ := parseName(e.ID)
	b = append(b, name[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Time))
	b = binary.AppendUvarint(b, uint64(len(e.With)))
	b = append(b, e.With...)
	return append(b, e.Raw...)
}

// Parse reads what AppendValue wrote, and keeps it.
func Parse(clock uint64, value []byte) (Stored, error) {
	if len(value) < withAt {
		return Stored{}, errDamaged
	}
	n, w := binary.Uvarint(value[withAt:])
	if w <= 0 || n > uint64(len(value)-withAt-w) {
		return Stored{}, errDamaged
	}
	return Stored{clock, value, withAt + w, withAt + w + int(n)}, nil
}

// Size is how many bytes a file holds of it.
func (s Stored) Size() int { return len(s.value) }

// Time is when the server took the message, in Unix milliseconds.
func (s Stored) Time() int64 { return int64(binary.BigEndian.Uint64(s.value[idBytes:])) }

// Entry returns a copy.
func (s Stored) Entry() Entry {
	return Entry{Clock: s.Clock, ID: s.id(), Time: s.Time(), With: string(s.with()), Raw: slices.Clone(s.value[s.raw:])}
}

func (s Stored) name() [idBytes]byte { return [idBytes]byte(s.value) }

func (s Stored) id() string { return hex.EncodeToString(s.value[:idBytes]) }

func (s Stored) with() []byte { return s.value[s.rest:s.raw] }

// parseName reads what Name returned. ok is false for anything else.
func parseName(id string) (name [idBytes]byte, ok bool) {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) != idBytes || hex.EncodeToString(b) != id {
		return name, false
	}
	return [idBytes]byte(b), true
}
