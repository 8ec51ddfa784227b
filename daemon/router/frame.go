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

// Answerable reports whether an undeliverable stanza of the class is answered
// with an error. Errors and results never are (RFC 6120 §8.3.1), nor is presence.
func (c Class) Answerable() bool {
	return c <= MessageHeadline || c == IQGet || c == IQSet
}

// Frame is one stanza on its way. Raw stands alone and is never changed, so
// frames share it.
type Frame struct {
	ID      FrameID
	Low     uint64 // the oldest seq the source still keeps
	Time    int64  // ingress, Unix milliseconds
	Lane    SID    // the session it came from; zero for a requeued frame
	LaneSeq uint64 // its number in that lane, from 1
	Requeue SID    // the closing session that returns it; zero otherwise
	Class   Class
	Present int8   // for presence without To: the priority
	To      []byte // normalised recipient; empty when the stanza names none
	Raw     []byte
}

// Size is what a frame counts for in a window, in bytes.
func (f *Frame) Size() int { return len(f.Raw) + len(f.To) + 64 }
