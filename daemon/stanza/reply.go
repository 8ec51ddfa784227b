package stanza

import "quorate.org/daemon/xmlwire"

// request is what a reply takes from the stanza it answers.
type request struct {
	name              []byte
	to, from, typ, id xmlwire.Attr
}

// requestOf reads raw's start tag, unless its header is at hand.
func requestOf(raw []byte, h *xmlwire.Header) request {
	if h != nil {
		return request{h.Name, h.To, h.From, h.Type, h.ID}
	}
	v := xmlwire.Look(raw, nil)
	return request{v.Name, v.Get("to"), v.Get("from"), v.Get("type"), v.Get("id")}
}

// AppendError appends the error stanza that answers raw (RFC 6120 §8.3): same
// kind and id, addresses swapped, type error. from and to replace the swapped
// addresses where they are not "", which is needed where those are absent or
// malformed; t is the type, "" for the condition's own; text may be "". h is
// raw's header or nil. A stanza that must not be answered by an error is
// answered by nothing: error stanzas (§8.3.1 rule 8) and IQ results (§8.2.3).
func AppendError(dst, raw []byte, h *xmlwire.Header, from, to string, t ErrorType, c Condition, text string) []byte {
	r := requestOf(raw, h)
	if len(r.name) == 0 || r.typ.Is("error") || string(r.name) == "iq" && r.typ.Is("result") {
		return dst
	}
	if t == "" {
		t = c.Type()
	}
	dst = r.appendTag(dst, "error", from, to)
	dst = append(dst, "><error type='"...)
	dst = append(dst, t...)
	dst = append(dst, "'><"...)
	dst = append(dst, c...)
	dst = append(dst, " xmlns='"+NSStanzas+"'/>"...)
	if text != "" {
		dst = append(dst, "<text xmlns='"+NSStanzas+"' xml:lang='en'>"...)
		dst = xmlwire.AppendEscaped(dst, text)
		dst = append(dst, "</text>"...)
	}
	dst = append(dst, "</error></"...)
	dst = append(dst, r.name...)
	return append(dst, '>')
}

// AppendIQResult appends the result that answers the IQ request raw (RFC 6120
// §8.2.3), with payload, which is XML or nothing, inside. from, to and h are as
// with AppendError. Only a get or set is answered.
func AppendIQResult(dst, raw []byte, h *xmlwire.Header, from, to string, payload []byte) []byte {
	r := requestOf(raw, h)
	if string(r.name) != "iq" || !r.typ.Is("get") && !r.typ.Is("set") {
		return dst
	}
	dst = r.appendTag(dst, "result", from, to)
	if len(payload) == 0 {
		return append(dst, "/>"...)
	}
	dst = append(dst, '>')
	dst = append(dst, payload...)
	return append(dst, "</iq>"...)
}

// appendTag begins the reply; its start tag is left open.
func (r request) appendTag(dst []byte, typ, from, to string) []byte {
	dst = append(dst, '<')
	dst = append(dst, r.name...)
	dst = append(dst, " type='"...)
	dst = append(dst, typ...)
	dst = append(dst, '\'')
	// RFC 6120 §8.3.1 rule 3: an IQ reply has an id, be it empty.
	if r.id.Present() || string(r.name) == "iq" {
		dst = appendAttr(dst, " id='", "", r.id)
	}
	if from != "" || r.to.Present() {
		dst = appendAttr(dst, " from='", from, r.to)
	}
	if to != "" || r.from.Present() {
		dst = appendAttr(dst, " to='", to, r.from)
	}
	return dst
}

// appendAttr appends open, then s or else what a says, then the quote.
func appendAttr(dst []byte, open, s string, a xmlwire.Attr) []byte {
	dst = append(dst, open...)
	if s != "" {
		dst = xmlwire.AppendEscaped(dst, s)
		return append(dst, '\'')
	}
	for _, c := range a.Value { // raw: references stay as they are
		if c == '\'' {
			dst = append(dst, "&apos;"...)
			continue
		}
		dst = append(dst, c)
	}
	return append(dst, '\'')
}
