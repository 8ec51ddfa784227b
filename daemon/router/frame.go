package router

// Class is what the leader must know of a stanza to route it: its kind and
// type (RFC 6120 §8.1, RFC 6121 §4.7.1 and §5.2.2), in one byte.
type Class uint8

// The classes. MessageNormal covers messages without a type.
const (
	MessageNormal Class = iota
	MessageChat
	MessageGroupchat
	MessageHeadline
	MessageError
	PresenceAvailable
	PresenceUnavailable
	PresenceProbe
	PresenceSubscription // subscribe, subscribed, unsubscribe, unsubscribed
	PresenceError
	IQGet
	IQSet
	IQResult
	IQError
)

// ClassOf maps a stanza's name and type attribute to its Class; ok is false
// for a name that is no stanza, or an iq or presence type RFC 6120 §8.2.3 and
// RFC 6121 §4.7.1 do not know.
func ClassOf(name, typ []byte) (c Class, ok bool) {
	switch string(name) {
	case "message":
		switch string(typ) {
		case "chat":
			return MessageChat, true
		case "groupchat":
			return MessageGroupchat, true
		case "headline":
			return MessageHeadline, true
		case "error":
			return MessageError, true
		}
		return MessageNormal, true // RFC 6121 §5.2.2: unknown types are normal
	case "presence":
		switch string(typ) {
		case "":
			return PresenceAvailable, true
		case "unavailable":
			return PresenceUnavailable, true
		case "probe":
			return PresenceProbe, true
		case "subscribe", "subscribed", "unsubscribe", "unsubscribed":
			return PresenceSubscription, true
		case "error":
			return PresenceError, true
		}
	case "iq":
		switch string(typ) {
		case "get":
			return IQGet, true
		case "set":
			return IQSet, true
		case "result":
			return IQResult, true
		case "error":
			return IQError, true
		}
	}
	return 0, false
}

// IsMessage reports whether c is a message.
func (c Class) IsMessage() bool { return c <= MessageError }

// IsPresence reports whether c is a presence stanza.
func (c Class) IsPresence() bool { return c >= PresenceAvailable && c <= PresenceError }

// isRequest reports whether c is an IQ that asks for an answer.
func (c Class) isRequest() bool { return c == IQGet || c == IQSet }

// Answerable reports whether an undeliverable stanza of the class is answered
// with an error. Errors and results never are (RFC 6120 §8.3.1), nor is presence.
func (c Class) Answerable() bool {
	return c <= MessageHeadline || c == IQGet || c == IQSet
}

// Mark is what an edge noticed of a stanza, beside its Class.
type Mark uint8

// The marks.
const (
	MarkTurn    Mark = 1 << iota // presence that changes whether the session is available: to all, or to whom it is directed
	MarkRoster                   // a roster request
	MarkLeave                    // directed presence that ends with broadcast presence: not for subscribers, who get that
	MarkService                  // a request to a service of an account: im.Service knows its namespace
	MarkShy                      // a request to, or a probe of, a resource that answers only whom it sent presence to
	MarkPaced                    // a part that its owner sends back while it has no room
	MarkSpare                    // a part that its owner leaves out while it has no room
)

// Frame is one stanza on its way. Raw stands alone and is never changed, so
// frames share it.
type Frame struct {
	ID      FrameID
	Low     uint64 // the oldest seq the source still keeps
	Time    int64  // ingress, Unix milliseconds, as the clock of that node was set then
	At      int64  // the same by the time of its Source, which nobody sets; not sent
	Lane    SID    // the session it came from; zero for a requeued frame
	LaneSeq uint64 // its number in that lane, from 1
	Requeue SID    // the closing session that returns it; zero otherwise
	Class   Class
	Mark    Mark
	Present int8   // for presence without To: the priority
	To      []byte // normalised recipient; empty when the stanza names none
	Raw     []byte

	Copied bool // Raw is part of nothing that a link read, so queues share it; no message tells
}

// Size is what a frame counts for in a window, in bytes.
func (f *Frame) Size() int { return len(f.Raw) + len(f.To) + 64 }
