package xmlwire

import (
	"bytes"
	"unicode/utf8"
)

// text reads character data up to the next markup (XML 1.0 §2.4).
func (e *element) text(b []byte) (step, error) {
	i := e.pos
	for {
		i = textRun(b, i)
		e.pos = i
		if i == len(b) {
			return on, nil
		}
		n := 1
		var err error
		switch b[i] {
		case '<':
			e.mark, e.pos, e.st = i, i+1, inMarkup
			if i+1 < len(b) {
				return e.markup(b)
			}
			return on, nil
		case '>':
			// A start tag precedes all text, so two bytes are there.
			if b[i-1] == ']' && b[i-2] == ']' {
				return on, &Error{Condition: NotWellFormed, Text: "]]> stands in text"}
			}
		case '&':
			n, err = referenceLen(b[i:])
		default:
			n, err = charLen(b[i:])
		}
		if n == 0 || err != nil {
			return starved, err
		}
		i += n
	}
}

// markup looks at the byte behind <.
func (e *element) markup(b []byte) (step, error) {
	switch b[e.pos] {
	case '/':
		e.pos++
		e.mark, e.st = e.pos, inEndName
		if e.pos < len(b) {
			return e.endName(b)
		}
	case '!':
		e.pos++
		e.st = inBang
	case '?':
		return on, errInstruction
	default:
		e.mark, e.colon, e.st = e.pos, -1, inName
	}
	return on, nil
}

const cdataOpen = "<![CDATA["

// bang reads <![CDATA[ from its third byte on. CDATA sections are allowed (RFC
// 6120 §11.1 does not forbid them); the rest of what begins with <! is not.
func (e *element) bang(b []byte) (step, error) {
	for e.pos < len(b) {
		k := e.pos - e.mark
		if c := b[e.pos]; c != cdataOpen[k] {
			if k == len("<!") {
				return on, markupError(c)
			}
			return on, markupError(0)
		}
		e.pos++
		if k == len(cdataOpen)-1 {
			e.st = inCDATA
			return on, nil
		}
	}
	return on, nil
}

// cdata reads a CDATA section up to its ]]> (XML 1.0 §2.7).
func (e *element) cdata(b []byte) (step, error) {
	i := e.pos
	for {
		for i < len(b) && class[b[i]]&cdataPlain != 0 {
			i++
		}
		e.pos = i
		if i == len(b) {
			return on, nil
		}
		if b[i] == '>' {
			i++
			if b[i-2] == ']' && b[i-3] == ']' {
				e.pos, e.st = i, inText
				return on, nil
			}
			continue
		}
		n, err := charLen(b[i:])
		if n == 0 || err != nil {
			return starved, err
		}
		i += n
	}
}

// charLen is the length of the character b begins with, 0 if more bytes are
// needed. It is asked about what the byte classes do not let pass.
func charLen(b []byte) (int, error) {
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError && n <= 1 {
		if !utf8.FullRune(b) {
			return 0, nil
		}
		// RFC 6120 §11.6: "violating the rules of the UTF-8 encoding".
		return 0, &Error{Condition: UnsupportedEncoding, Text: "a character is not in UTF-8"}
	}
	if !isChar(r) {
		return 0, &Error{Condition: NotWellFormed, Text: "a character is not allowed in XML"}
	}
	return n, nil
}

// maxReference bounds a reference with its & and ;.
const maxReference = 16

// referenceLen is the length of the reference b begins with, 0 if more bytes
// are needed.
func referenceLen(b []byte) (int, error) {
	limit := min(len(b), maxReference)
	for i := 1; i < limit; i++ {
		c := b[i]
		if c == ';' {
			return i + 1, referenceError(b[1:i])
		}
		if c < 0x80 && class[c]&nameChar == 0 && !(c == '#' && i == 1) {
			return 0, errReference
		}
	}
	if limit < maxReference {
		return 0, nil
	}
	if b[1] == '#' {
		return 0, errReference
	}
	return 0, errEntity
}

// referenceError judges the text between & and ;.
func referenceError(b []byte) error {
	switch {
	case reference(b) != 0:
		return nil
	case len(b) > 0 && isNameStart(rune(b[0])) && !bytes.Contains(b, []byte{'#'}):
		return errEntity
	}
	return errReference
}

var (
	errReference   = &Error{Condition: NotWellFormed, Text: "a reference is malformed"}
	errEntity      = &Error{Condition: RestrictedXML, Text: "entities beyond the five of XML are not allowed"}
	errInstruction = &Error{Condition: RestrictedXML, Text: "processing instructions are not allowed"}
)
