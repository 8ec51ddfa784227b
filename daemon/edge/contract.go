package edge

import (
	"context"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/stream"
	"quorate.org/daemon/xmlwire"
)

// Kind says what a bound stream is.
type Kind uint8

// The kinds of bound streams.
const (
	Client Kind = iota
	Component
)

// String returns the kind as the journal shows it.
func (k Kind) String() string {
	if k == Component {
		return "component"
	}
	return "client"
}

// Accounts answers who may sign in; see stream.Accounts.
type Accounts = stream.Accounts

// Refusal is an error of Bind in the words of a stanza error; see stream.Refusal.
type Refusal = stream.Refusal

// Router grants sessions.
type Router interface {
	// Bind asks for the session of want, a full JID for a client and a domain for
	// a component, whose stream is out. It may wait for a leader, within ctx. The
	// sink may be used before Bind returns. An error that is no *Refusal is
	// answered as <internal-server-error/>.
	Bind(ctx context.Context, k Kind, want jid.JID, out Sink) (Session, error)
}

// Session is one bound stream in the directory.
type Session interface {
	// JID returns the address granted.
	JID() jid.JID
	// Send takes one stanza from the stream, stamped so that it stands alone; h
	// describes the stanza as it came. Both are the caller's again when Send
	// returns. Send blocks while the source window is full. After an error the
	// stream is ended.
	Send(ctx context.Context, h *xmlwire.Header, raw []byte) error
	// Close says that the stream has ended. It may be called more than once.
	Close()
}

// Sink is the stream of a session.
type Sink interface {
	// Enqueue copies one stanza into the outbox. It returns false, and has not
	// taken the stanza, if the stream has ended or the outbox is full; a full
	// outbox ends the stream with <resource-constraint/>.
	Enqueue(raw []byte) bool
	// Drain closes the outbox and returns the stanzas that were not written to the
	// socket whole, in order. It waits for the write under way, at most 100 ms.
	Drain() [][]byte
	// Shut ends the stream with that stream error, "" for none, behind what the
	// outbox holds.
	Shut(condition, text string)
}
