package web

import (
	"fmt"

	"quorate.org/daemon/bus"
)

// verdict is a state in words with the shape beside it, so that colour only
// repeats what is said.
type verdict struct {
	Class string // ok, warn, bad or off
	Text  string
}

// The days from which a certificate's end is a warning and then a fault; the
// journal's warnings begin earlier and end with the same.
const (
	soonDays   = 30
	urgentDays = 7
)

// expiry says how long a certificate has. What does not end says nothing.
func expiry(c bus.Certificate) verdict {
	switch {
	case c.NotAfter == "":
		return verdict{}
	case c.DaysLeft < 0:
		return verdict{"bad", "expired " + days(-c.DaysLeft) + " ago"}
	case c.DaysLeft <= urgentDays:
		return verdict{"bad", days(c.DaysLeft) + " left"}
	case c.DaysLeft <= soonDays:
		return verdict{"warn", days(c.DaysLeft) + " left"}
	}
	return verdict{"ok", days(c.DaysLeft) + " left"}
}

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// outlook is what the certificates' service tells, what is wrong apart.
type outlook struct{ Bad, Good []bus.ServiceCheck }

func newOutlook(list []bus.ServiceCheck) outlook {
	var o outlook
	for _, c := range list {
		if c.OK {
			o.Good = append(o.Good, c)
		} else {
			o.Bad = append(o.Bad, c)
		}
	}
	return o
}

// Empty is a node whose services use no certificate.
func (o outlook) Empty() bool { return len(o.Bad)+len(o.Good) == 0 }

// Verdict counts what is wrong, or names what ends first.
func (o outlook) Verdict() verdict {
	switch n := len(o.Bad); {
	case n == 1:
		return verdict{"bad", "1 thing to mend"}
	case n > 1:
		return verdict{"bad", fmt.Sprintf("%d things to mend", n)}
	}
	first := bus.ServiceCheck{}
	for _, c := range o.Good {
		if c.When != "" && (first.When == "" || c.Days < first.Days) {
			first = c
		}
	}
	if first.When == "" {
		return verdict{"ok", "Nothing will break"}
	}
	return verdict{"ok", "Nothing will break before " + first.File + " ends in " + days(first.Days)}
}

// level is the shape that goes with the word of a state, whichever service says
// it.
func level(state string) string {
	switch state {
	case "ready", "connected", "alive", "LEADER", "FOLLOWER", "STANDALONE", "active":
		return "ok"
	case "connecting", "waiting", "incomplete", "NOT JOINED", "CANDIDATE", "activating", "reloading", "deactivating", "warning", "unknown":
		return "warn"
	case "failed", "rejected", "NO LEADER", "error":
		return "bad"
	}
	return "off"
}

// certificateFiles are the files that hold certificates and can be used.
func certificateFiles(list []bus.Certificate) []string {
	return filesOf(list, "certificate", "bundle")
}

// filesOf are the names of the ready files of the given kinds.
func filesOf(list []bus.Certificate, kinds ...string) []string {
	var names []string
	for _, c := range list {
		for _, kind := range kinds {
			if c.Kind == kind && c.State == "ready" {
				names = append(names, c.File)
			}
		}
	}
	return names
}

// service is the name of a service of the certificates as pages call it.
func service(name string) string {
	switch name {
	case "xmpp":
		return "XMPP"
	case "cluster":
		return "Cluster"
	case "web":
		return "Web Admin"
	case "callbridge":
		return "Call Bridge"
	}
	return name
}
