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

// Wish is what a client asks for together with its session; see stream.Wish.
type Wish = stream.Wish

// Unresumed is an error of Resume; see stream.Unresumed.
type Unresumed = stream.Unresumed

// TooHigh is the error of Resume for a client that says it has more than it was
// sent; see stream.TooHigh.
func TooHigh(h, sent uint32) error { return stream.TooHigh(h, sent) }

// Router grants sessions.
type Router interface {
	// Bind asks for the session of want, a full JID for a client and a domain for
	// a component, whose stream is out, with what it wishes for from its first stanza. It may wait for a leader, within ctx. The
	// sink may be used before Bind returns. An error that is no *Refusal is
	// answered as <internal-server-error/>.
	Bind(ctx context.Context, k Kind, want jid.JID, w Wish, out Sink) (Session, error)
	// Resume asks for the session of an account by its token, for a client that has
	// h of its stanzas; out gets the others before Resume returns. received is how
	// many of the client's have come. An error is an *Unresumed, or that of TooHigh.
	Resume(ctx context.Context, account jid.JID, token string, h uint32, out Sink) (s Session, received uint32, err error)
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
	// Close says that the stream has ended, and the session with it. It may be called
	// more than once.
	Close()
	// Detach says that the stream is lost: a session that can be resumed waits for
	// its client, any other ends.
	Detach()
	// Manage begins stream management, once, and tells the client so in the outbox.
	Manage(m Management)
	// Acked takes how many stanzas the client has; false when those are more than it
	// was sent.
	Acked(h uint32) (sent uint32, ok bool)
	// Wants has the client told, soon, how many of its stanzas are handled.
	Wants()
}

// Sink is the stream of a session.
type Sink interface {
	// Enqueue copies one stanza into the outbox. It returns false, and has not
	// taken the stanza, if the stream has ended or the outbox is full; a full
	// outbox ends the stream with <resource-constraint/>.
	Enqueue(raw []byte) bool
	// Room reports whether a stanza of n bytes leaves the outbox filled to so many
	// eighths at most, or is all there is in it.
	Room(n, eighths int) bool
	// Drain closes the outbox and returns the stanzas that were not written to the
	// socket whole, in order. It waits for the write under way, at most 100 ms.
	Drain() [][]byte
	// Shut ends the stream with that stream error, "" for none, behind what the
	// outbox holds.
	Shut(condition, text string)
}
