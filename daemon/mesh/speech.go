package mesh

import (
	"fmt"

	"quorate.org/daemon/fault"
)

// Speech is the versions of the peer protocol that a node speaks, oldest and
// newest: how the messages of its links and calls are written and what they mean.
type Speech struct {
	Least int `json:"least"`
	Most  int `json:"most"`
}

// Spoken is what this software speaks. Whoever changes a message between nodes so
// that the version before would misread it raises Most, and Least too unless links
// to such a node are still written in its way. Version 2 has resumption, copies and
// archives, 3 tells of sessions that wait for their clients. router.TestSpeech holds it against what the messages look like.
var Spoken = Speech{Least: 3, Most: 3}

// String says the range for people.
func (s Speech) String() string {
	if s.Least == s.Most {
		return fmt.Sprint(s.Most)
	}
	return fmt.Sprintf("%d to %d", s.Least, s.Most)
}

// understands refuses a peer with which no version is shared, in words that both
// sides show, before it could be misread.
func (m *Mesh) understands(h hello) error {
	own := m.cfg.Speaks
	if h.Speaks.Least <= own.Most && own.Least <= h.Speaks.Most {
		return nil
	}
	older := printable(h.Name, 255)
	if h.Speaks.Least > own.Most {
		older = m.cfg.Name
	}
	return fault.Mend(fault.Version, fmt.Sprintf("%s (version %s, peer protocol %s) and %s (version %s, peer protocol %s) do not understand each other",
		m.cfg.Name, m.cfg.Version, own, printable(h.Name, 255), printable(h.Version, 64), h.Speaks), "upgrade "+older)
}
