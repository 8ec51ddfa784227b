// Package errand is how an unprivileged program has a privileged one do one act:
// a line of JSON each way on a local socket that systemd accepts for a process of
// its own (systemd.socket(5), Accept=yes).
package errand

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

// Refusal is a fault.Error on the wire.
type Refusal struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Remedy  string     `json:"remedy,omitempty"`
}

// Refuse puts an error on the wire; one that is no fault is fault.Internal.
func Refuse(err error) *Refusal {
	var f *fault.Error
	if !errors.As(err, &f) {
		f = fault.New(fault.Internal, err.Error())
	}
	return &Refusal{Code: f.Code, Message: f.Message, Remedy: f.Remedy}
}

// Fault is the error that was put on the wire.
func (r *Refusal) Fault() *fault.Error { return fault.Mend(r.Code, r.Message, r.Remedy) }

// Ask sends a request and reads the answer, a line of at most longest bytes, its
// line feed included. When ctx ends both fail.
func Ask(ctx context.Context, socket string, longest int, request, answer any) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // a read or write then fails
	defer stop()
	if err := Send(conn, request); err != nil {
		return err
	}
	return Receive(conn, longest, answer)
}

// Send writes v as a line.
func Send(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding a line: %w", err)
	}
	if _, err := w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("sending a line: %w", err)
	}
	return nil
}

// Receive reads v from a line of at most longest bytes, its line feed included.
func Receive(r io.Reader, longest int, v any) error {
	line, err := bufio.NewReaderSize(io.LimitReader(r, int64(longest)), longest).ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("reading a line of at most %d bytes: %w", longest, err)
	}
	if err := json.Unmarshal(line, v); err != nil {
		return fmt.Errorf("decoding a line: %w", err)
	}
	return nil
}
