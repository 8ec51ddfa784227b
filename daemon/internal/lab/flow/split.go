package flow

import "bytes"

// split returns the length of the first complete element at the start of buf,
// leading white space included, or 0 when more bytes are needed. end is true
// at the stream's own end tag. It trusts the server to send well-formed XML
// without CDATA sections, comments or ">" in attribute values.
func split(buf []byte) (n int, end bool) {
	depth := 0
	for i := 0; ; {
		open := bytes.IndexByte(buf[i:], '<')
		if open < 0 {
			return 0, false
		}
		i += open
		length := bytes.IndexByte(buf[i:], '>')
		if length < 0 {
			return 0, false
		}
		closing, empty := buf[i+1] == '/', buf[i+length-1] == '/'
		i += length + 1
		switch {
		case closing && depth == 0:
			return i, true
		case closing:
			depth--
		case !empty:
			depth++
		}
		if depth == 0 {
			return i, false
		}
	}
}

// attr returns the value of an attribute in the first tag of an element, or nil.
func attr(elem []byte, name string) []byte {
	tag, _, _ := bytes.Cut(elem, []byte(">"))
	for {
		i := bytes.Index(tag, []byte(name))
		if i < 0 {
			return nil
		}
		rest := tag[i+len(name):]
		if i > 0 && tag[i-1] == ' ' && len(rest) > 2 && rest[0] == '=' {
			value, _, _ := bytes.Cut(rest[2:], rest[1:2])
			return value
		}
		tag = rest
	}
}

// text returns the character data of the first element called name.
func text(elem []byte, name string) []byte {
	_, rest, ok := bytes.Cut(elem, []byte("<"+name))
	if !ok {
		return nil
	}
	_, rest, _ = bytes.Cut(rest, []byte(">"))
	value, _, _ := bytes.Cut(rest, []byte("</"+name+">"))
	return value
}
