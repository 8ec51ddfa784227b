package dnscheck

import "quorate.org/daemon/fault"

// State is what became of one record.
type State string

// The states of a record needed, and of one found.
const (
	OK       State = "OK"
	Missing  State = "missing"
	Optional State = "optional" // missing, and the domain works without
	Unknown  State = "unknown"  // no name server answers
	Wrong    State = "wrong"
	Useless  State = "not needed"
)

// Line is a record and its state.
type Line struct {
	Record
	State State `json:"state"`
}

// Finding is one thing that is wrong, or with Hint one that is not as it could
// be.
type Finding struct {
	Code   fault.Code `json:"code"` // DNS or TCP
	Text   string     `json:"text"`
	Remedy string     `json:"remedy"`
	Hint   bool       `json:"hint"`
}

// Report is the judgement.
type Report struct {
	Domain   string    `json:"domain"`
	Needed   []Line    `json:"needed"`
	Found    []Line    `json:"found"`
	Findings []Finding `json:"findings"`
	Zone     []string  `json:"zone"` // lines of a zone file; comments name records to remove
	OK       bool      `json:"ok"`   // nothing but hints
}

// What mends a record.
const (
	paste   = "put the zone lines below into the zone"
	replace = "change the zone as the zone lines below say"
	theirs  = "tell whoever keeps the zone of the domain" // whose nodes only they know
)
