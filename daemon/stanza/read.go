package stanza

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"quorate.org/daemon/xmlwire"
)

// Check holds a stanza to the rules on its type, id and children that a server
// enforces before it routes: RFC 6120 §8.2.3 for IQ, RFC 6121 §4.7.1 for
// presence. Messages of unknown type count as normal (RFC 6121 §5.2.2). It
// returns the condition to answer with, "" if there is nothing to say.
func Check(h *xmlwire.Header) Condition {
	switch string(h.Name) {
	case "iq":
		return checkIQ(h)
	case "presence":
		return checkPresence(h)
	}
	return ""
}

func checkIQ(h *xmlwire.Header) Condition {
	if !h.ID.Present() {
		return BadRequest
	}
	switch h.Type.String() {
	case "get", "set":
		if h.Children == 1 {
			return ""
		}
	case "result":
		if h.Children <= 1 {
			return ""
		}
	case "error":
		return ""
	}
	return BadRequest
}

func checkPresence(h *xmlwire.Header) Condition {
	if !h.Type.Present() {
		return ""
	}
	switch h.Type.String() {
	case "error", "probe", "subscribe", "subscribed", "unavailable", "unsubscribe", "unsubscribed":
		return ""
	}
	return BadRequest
}

// BindResource reads the request raw to bind a resource (RFC 6120 §7.6, §7.7).
// ok says whether it is one; the resource is as the client wrote it, "" if the
// server shall make one.
func BindResource(raw []byte, h *xmlwire.Header) (resource string, ok bool) {
	v := xmlwire.Look(raw, h)
	if string(v.Name) != "iq" || !v.Get("type").Is("set") {
		return "", false
	}
	bind, ok := v.Child(NSBind, "bind")
	if !ok {
		return "", false
	}
	r, _ := bind.Child(NSBind, "resource")
	return r.Text(), true
}

// AppendBind appends the payload of bind's result (RFC 6120 §7.6.1).
func AppendBind(dst []byte, full string) []byte {
	dst = append(dst, "<bind xmlns='"+NSBind+"'><jid>"...)
	dst = xmlwire.AppendEscaped(dst, full)
	return append(dst, "</jid></bind>"...)
}

// Show is an available resource's sub-state (RFC 6121 §4.7.2.1).
type Show string

// The sub-states.
const (
	Online Show = "" // no <show/>
	Away   Show = "away"
	Chat   Show = "chat"
	DND    Show = "dnd"
	XA     Show = "xa"
)

// ErrPresence is wrapped by the errors of ReadShow and ReadPriority.
var ErrPresence = errors.New("malformed presence")

// ReadShow reads the <show/> of the presence raw. Errors wrap ErrPresence.
func ReadShow(raw []byte, h *xmlwire.Header) (Show, error) {
	text, ok := childText(raw, h, "show")
	if !ok {
		return Online, nil
	}
	switch s := Show(text); s {
	case Away, Chat, DND, XA:
		return s, nil
	}
	return Online, fmt.Errorf("%w: show is %.20q", ErrPresence, text)
}

// ReadPriority reads the <priority/> of the presence raw, 0 if there is none
// (RFC 6121 §4.7.2.3). Errors wrap ErrPresence.
func ReadPriority(raw []byte, h *xmlwire.Header) (int8, error) {
	text, ok := childText(raw, h, "priority")
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%w: priority is %.20q", ErrPresence, text)
	}
	return int8(n), nil
}

// childText is the text of the first child of that name in the stanza's own
// namespace, with white space at its ends removed as XML Schema does.
func childText(raw []byte, h *xmlwire.Header, name string) (string, bool) {
	v := xmlwire.Look(raw, h)
	c, ok := v.Child(string(v.Space), name)
	return strings.Trim(c.Text(), " \t\r\n"), ok
}
