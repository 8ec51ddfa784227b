// Package journaltest keeps what a service under test logs, for the test to read while
// it goes on being written.
package journaltest

import (
	"bytes"
	"strings"
	"sync"
)

// Text is what was logged. The zero value is empty and ready; all methods may be
// called from any goroutine.
type Text struct {
	mu sync.Mutex
	b  strings.Builder
}

// Write appends a record; it never fails.
func (x *Text) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.Write(p)
}

// String returns all that was logged so far.
func (x *Text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.String()
}

// Datagrams is the same for records in journald's native form: each ends with an
// empty line.
type Datagrams struct{ Text }

// Write appends a record; it never fails.
func (x *Datagrams) Write(p []byte) (int, error) {
	return x.Text.Write(append(bytes.Clone(p), '\n'))
}
