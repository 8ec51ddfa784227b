package account

import (
	"context"
	"fmt"
	"time"

	"quorate.org/daemon/errand"
	"quorate.org/daemon/fault"
)

// Socket is where Serve answers.
const Socket = "/run/quorate/account.sock"

// patience bounds a conversation at both ends.
const patience = 30 * time.Second

// longest is the longest line in bytes: a list of accounts with their keys.
const longest = 256 << 10

// Act is what is asked for.
type Act string

// The acts.
const (
	List      Act = "list"       // of the accounts
	Passwd    Act = "passwd"     // Password for Name, or for whoever asks
	Add       Act = "add"        // Name in Role, with Password
	Remove    Act = "remove"     // Name, and all of its sessions
	Expire    Act = "expire"     // Name on Until
	Evict     Act = "evict"      // the sessions of Name
	Unlock    Act = "unlock"     // Name, locked out for wrong passwords
	AddKey    Act = "add-key"    // Key for Name
	RemoveKey Act = "remove-key" // of Name, by its fingerprint in Key
)

// Request is one line.
type Request struct {
	Act      Act    `json:"act"`
	Name     string `json:"name,omitempty"`
	Role     string `json:"role,omitempty"`
	Password string `json:"password,omitempty"`
	Current  string `json:"current,omitempty"` // of who sets their own Password, when there is one
	Until    string `json:"until,omitempty"`   // 2027-03-31, the first day without the account; "never"
	Key      string `json:"key,omitempty"`
}

// Account is one of a person.
type Account struct {
	Name     string `json:"name"`
	Role     string `json:"role"`
	Password bool   `json:"password"` // there is one
	Until    string `json:"until"`    // the day on which the account ends; empty: never
	Active   bool   `json:"active"`   // somebody works under the name
	Keys     []Key  `json:"keys"`
}

// Key is a public SSH key.
type Key struct {
	Type        string `json:"type"`
	Fingerprint string `json:"fingerprint"` // SHA256:…, as ssh-keygen(1) shows it
	Comment     string `json:"comment"`
}

// answer is one line.
type answer struct {
	Name     string          `json:"name"` // whom it was about
	Accounts []Account       `json:"accounts,omitempty"`
	Error    *errand.Refusal `json:"error,omitempty"`
}

// Do asks for an act and returns whom it was about, and for List the accounts. A
// refusal is a fault in words for who asked.
func Do(ctx context.Context, socket string, r Request) (name string, list []Account, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var a answer
	if err := errand.Ask(ctx, socket, longest, r, &a); err != nil {
		return "", nil, fault.Mend(fault.Unavailable, fmt.Sprintf("accounts can not be reached: %v", err), "systemctl status quorate-account.socket")
	}
	if a.Error != nil {
		return "", nil, a.Error.Fault()
	}
	return a.Name, a.Accounts, nil
}
