package im

import "quorate.org/daemon/jid"

// Prefs are whose messages go to a user's archive (XEP-0441 §2).
type Prefs struct {
	Default string   `json:"default"`          // Always, Never or Roster
	Always  []string `json:"always,omitempty"` // prepared addresses, sorted
	Never   []string `json:"never,omitempty"`  // they count before Always
}

// The defaults; Roster is those of the roster's contacts.
const (
	Always = "always"
	Never  = "never"
	Roster = "roster"
)

// SetPrefs returns the user with preferences for the archive.
func SetPrefs(u *User, p Prefs) *User {
	n := u.fork()
	n.Prefs = &p
	return n
}

// Address returns the prepared form of an address, "" for one that is none.
func Address(text string) string {
	j, err := jid.Parse(text)
	if err != nil {
		return ""
	}
	return j.String()
}
