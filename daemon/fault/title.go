package fault

// titles are the classes in words, as an administrator says them. They stand in
// the middle of a sentence ("failed (DNS failure): …"), hence small letters.
var titles = map[Code]string{
	InvalidArgument:      "invalid value",
	InvalidName:          "invalid name",
	InvalidConfiguration: "invalid configuration",
	NotFound:             "not found",
	Exists:               "already there",
	WrongState:           "wrong state",
	NotPermitted:         "not permitted",
	NoQuorum:             "no quorum",
	Unavailable:          "service not available",
	Timeout:              "no answer in time",

	DNS:     "DNS failure",
	TCP:     "connection refused or no answer",
	TLS:     "TLS failure",
	Trust:   "certificate not trusted",
	Cloned:  "cloned node",
	Version: "incompatible version",

	UnknownComponent: "unknown call bridge",
	WrongSecret:      "wrong secret",
	SecretConflict:   "conflicting secrets",
	WrongDomain:      "wrong domain",

	KeyMismatch:     "key does not match",
	Expired:         "certificate expired",
	NotYetValid:     "certificate not yet valid",
	CertificateName: "wrong certificate name",
	WeakKey:         "weak key",
	Incomplete:      "incomplete file",
	InUse:           "file in use",

	UnitFailed:  "unit failed",
	NoTolerance: "no fault tolerance",
	Member:      "cluster member failing",
	Drift:       "configuration drift",
	Clock:       "clock not synchronised",
	DiskFull:    "disk nearly full",
	MemoryFull:  "memory nearly full",
	Firewall:    "firewall not in force",
	Undone:      "upgrade undone",

	Internal: "internal fault",
}

// Title returns the class in words: "DNS failure", "wrong secret". A code of
// another version, which this one does not know, is its own title.
func (c Code) Title() string {
	if t, ok := titles[c]; ok {
		return t
	}
	return string(c)
}
