package xmlwire

import "bytes"

// maxDeclaration bounds an XML declaration. It is short, so it is looked at
// anew whenever more of it comes.
const maxDeclaration = 256

var errDeclaration = &Error{Condition: NotWellFormed, Text: "the XML declaration is malformed"}

// instruction reads the XML declaration, which may stand at the very start of
// the stream only (XML 1.0 §2.8); all else that begins with <? is a processing
// instruction (RFC 6120 §11.1).
func (s *Scanner) instruction(b []byte) (status, error) {
	const opening = "<?xml"
	k := min(len(b), len(opening))
	if s.phase != atStart || string(b[:k]) != opening[:k] {
		return more, errInstruction
	}
	if len(b) <= len(opening) {
		return more, nil
	}
	if class[b[len(opening)]]&space == 0 {
		return more, errInstruction
	}
	end := bytes.IndexByte(b[:min(len(b), maxDeclaration)], '>')
	if end < 0 {
		if len(b) >= maxDeclaration {
			return more, &Error{Condition: PolicyViolation, Text: "the XML declaration is larger than the limit"}
		}
		return more, nil
	}
	s.elem.pos = end + 1
	s.phase = atHeader
	return declaration, checkDeclaration(b[len(opening) : end+1])
}

// checkDeclaration reads the pseudo-attributes of an XML declaration and its ?>:
// version, then encoding, then standalone, only the first being required.
func checkDeclaration(b []byte) error {
	name, value, rest := pseudo(b)
	if name != "version" || value != "1.0" { // RFC 6120 §11.8
		return errDeclaration
	}
	name, value, next := pseudo(rest)
	if name == "encoding" {
		if !bytes.EqualFold([]byte(value), []byte("UTF-8")) {
			return &Error{Condition: UnsupportedEncoding, Text: "the stream is not in UTF-8"} // RFC 6120 §11.6
		}
		rest = next
		name, value, next = pseudo(rest)
	}
	// RFC 6120 §11.5: standalone="no" may be ignored.
	if name == "standalone" && (value == "yes" || value == "no") {
		rest = next
	}
	if string(trimSpace(rest)) != "?>" {
		return errDeclaration
	}
	return nil
}

// pseudo cuts white space, a name, = and a quoted value off b. The name is empty
// if b does not begin so.
func pseudo(b []byte) (name, value string, rest []byte) {
	in := trimSpace(b)
	eq := bytes.IndexByte(in, '=')
	if len(in) == len(b) || eq < 0 {
		return "", "", b
	}
	q := trimSpace(in[eq+1:])
	if len(q) == 0 || q[0] != '"' && q[0] != '\'' {
		return "", "", b
	}
	end := bytes.IndexByte(q[1:], q[0])
	if end < 0 {
		return "", "", b
	}
	return string(bytes.TrimRight(in[:eq], " \t\r\n")), string(q[1 : end+1]), q[end+2:]
}

func trimSpace(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }
