package im

import (
	"bytes"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/xmlwire"
)

// The stanzas a server makes itself. Each stands alone on any stream.

// AppendPush appends the IQ of a roster push (RFC 6121 §2.1.6).
func AppendPush(dst []byte, p Push, to, id string) []byte {
	dst = append(dst, "<iq type='set'"...)
	dst = appendAttr(dst, "id", id)
	dst = appendAttr(dst, "to", to)
	dst = append(dst, '>')
	dst = append(dst, p.Payload...)
	return append(dst, "</iq>"...)
}

// AppendPresence appends a presence stanza without content; typ and id may be "".
func AppendPresence(dst []byte, typ, from, to, id string) []byte {
	dst = append(dst, "<presence"...)
	dst = appendAttr(dst, "type", typ)
	dst = appendAttr(dst, "from", from)
	dst = appendAttr(dst, "to", to)
	dst = appendAttr(dst, "id", id)
	return append(dst, "/>"...)
}

// AppendTo appends the stanza raw with its 'to' set (RFC 6121 §4.2.2, §3.1.2). What can
// not be read is appended as it is.
func AppendTo(dst, raw []byte, to string) []byte { return appendWith(dst, raw, "to", to) }

// appendWith appends the stanza raw with an attribute set.
func appendWith(dst, raw []byte, attr, value string) []byte {
	v := xmlwire.Look(raw, nil)
	name := bytes.IndexAny(raw, " \t\r\n/>")
	if len(v.Name) == 0 || name < 0 {
		return append(dst, raw...)
	}
	dst = append(dst, raw[:name]...)
	dst = appendAttr(dst, attr, value)
	rest := raw[name:]
	if old := v.Get(attr); old.Present() {
		cut, end := attrSpan(raw, old)
		dst = append(dst, raw[name:cut]...)
		rest = raw[end:]
	}
	return append(dst, rest...)
}

// attrSpan finds where an attribute that a view of raw gave stands in it, with
// the white space before it.
func attrSpan(raw []byte, a xmlwire.Attr) (start, end int) {
	value := cap(raw) - cap(a.Value) // both begin in the same array
	end = value + len(a.Value) + 1
	start = bytes.LastIndex(raw[:value-1], a.Name)
	for start > 0 && bytes.IndexByte([]byte(" \t\r\n"), raw[start-1]) >= 0 {
		start--
	}
	return start, end
}

// Sender returns the address in a stanza's 'from', the zero JID if there is none
// that can be read.
func Sender(raw []byte) jid.JID {
	j, err := jid.Parse(xmlwire.Look(raw, nil).Get("from").String())
	if err != nil {
		return jid.JID{}
	}
	return j
}

// Attr returns the value of an attribute of the stanza raw.
func Attr(raw []byte, name string) string { return xmlwire.Look(raw, nil).Get(name).String() }
