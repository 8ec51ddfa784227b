package account

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

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
	Name     string    `json:"name"` // whom it was about
	Accounts []Account `json:"accounts,omitempty"`
	Error    *refusal  `json:"error,omitempty"`
}

// refusal is a fault.Error on the wire.
type refusal struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Remedy  string     `json:"remedy,omitempty"`
}

func refusalOf(err error) *refusal {
	var f *fault.Error
	if !errors.As(err, &f) {
		f = fault.New(fault.Internal, err.Error())
	}
	return &refusal{Code: f.Code, Message: f.Message, Remedy: f.Remedy}
}

// Do asks for an act and returns whom it was about, and for List the accounts. A
// refusal is a fault in words for who asked.
func Do(ctx context.Context, socket string, r Request) (name string, list []Account, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a, err := exchange(ctx, socket, r)
	if err != nil {
		return "", nil, fault.Mend(fault.Unavailable, fmt.Sprintf("accounts can not be reached: %v", err), "systemctl status quorate-account.socket")
	}
	if a.Error != nil {
		return "", nil, fault.Mend(a.Error.Code, a.Error.Message, a.Error.Remedy)
	}
	return a.Name, a.Accounts, nil
}

func exchange(ctx context.Context, socket string, r Request) (a answer, err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return a, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // a read or write then fails
	defer stop()
	if err := send(conn, r); err != nil {
		return a, err
	}
	return a, receive(conn, &a)
}

func send(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding a line: %w", err)
	}
	if _, err := w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("sending a line: %w", err)
	}
	return nil
}

func receive(r io.Reader, v any) error {
	line, err := bufio.NewReaderSize(io.LimitReader(r, longest), longest).ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("reading a line of at most %d bytes: %w", longest, err)
	}
	if err := json.Unmarshal(line, v); err != nil {
		return fmt.Errorf("decoding a line: %w", err)
	}
	return nil
}
