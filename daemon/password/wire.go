package password

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"quorate.org/daemon/fault"
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
	Want  Want     `json:"want"`
	Error *refusal `json:"error,omitempty"`
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
