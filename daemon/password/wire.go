package password

import (
	"time"

	"quorate.org/daemon/errand"
)

// Socket is where Serve answers.
const Socket = "/run/quorate/password.sock"

// patience bounds a conversation at both ends; a hash takes a second at most.
const patience = 20 * time.Second

// longest is the longest request or answer in bytes, its line feed included.
const longest = 4 << 10

// Want says whether the console is to ask for a password, and why.
type Want string

// The wants.
const (
	None    Want = ""        // the account has one
	First   Want = "first"   // it has none
	Recover Want = "recover" // recovery was asked for at this boot
)

// request is the one line of who asks; without a password it asks what is wanted.
type request struct {
	Password string `json:"password,omitempty"`
}

// answer is the one line of Serve.
type answer struct {
	Want  Want            `json:"want"`
	Error *errand.Refusal `json:"error,omitempty"`
}
