package xmlwire

import (
	"bytes"
	"unicode/utf8"
)

// AppendEscaped appends s to dst so that it may stand in text and in attribute
// values of either quote. White space other than the space becomes a
// reference, so it survives normalisation. Bytes that XML can not carry
// (controls, invalid UTF-8) become U+FFFD.
func AppendEscaped(dst []byte, s string) []byte {
	const plain = textPlain | valuePlain
	last := 0
	for i := 0; i < len(s); {
		if class[s[i]]&plain == plain {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if esc := escapeOf(r, n); esc != "" {
			dst = append(dst, s[last:i]...)
			dst = append(dst, esc...)
			last = i + n
		}
		i += n
	}
	return append(dst, s[last:]...)
}

func escapeOf(r rune, size int) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\'':
		return "&apos;"
	case '"':
		return "&quot;"
	case '\t':
		return "&#9;"
	case '\n':
		return "&#10;"
	case '\r':
		return "&#13;"
	}
	if r == utf8.RuneError && size == 1 || !isChar(r) { // XML 1.0 §2.2
		return "\uFFFD"
	}
	return ""
}

// Unescape appends the attribute value raw to dst, with references decoded and
// white space normalised (XML 1.0 §3.3.3, §2.11): each literal tab, line feed
// and carriage return becomes a space, a CR LF pair one. raw must have been
// accepted by a Scanner.
func Unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '&':
			var n int
			dst, n = appendReference(dst, raw[i:])
			i += n - 1
		case '\r':
			if i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			dst = append(dst, ' ')
		case '\t', '\n':
			dst = append(dst, ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// UnescapeText appends the character data raw to dst, with references decoded
// and line ends normalised (XML 1.0 §2.11). raw must have been accepted by a
// Scanner and hold no tags or CDATA sections.
func UnescapeText(dst, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '&':
			var n int
			dst, n = appendReference(dst, raw[i:])
			i += n - 1
		case '\r':
			if i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			dst = append(dst, '\n')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendReference decodes the reference that b begins with and says how many
// bytes it took. What is no reference is copied as it is.
func appendReference(dst, b []byte) ([]byte, int) {
	end := bytes.IndexByte(b, ';')
	if end < 0 {
		return append(dst, b[0]), 1
	}
	r := reference(b[1:end])
	if r == 0 {
		return append(dst, b[0]), 1
	}
	return utf8.AppendRune(dst, r), end + 1
}

// reference decodes the text between & and ;. It returns 0, which is no
// character of XML, for what is neither a character reference nor one of the
// five predefined entities.
func reference(b []byte) rune {
	if len(b) > 0 && b[0] == '#' {
		return charReference(b[1:])
	}
	switch string(b) {
	case "amp":
		return '&'
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "apos":
		return '\''
	case "quot":
		return '"'
	}
	return 0
}

// charReference decodes the digits of &#…; and refuses what is no Char (XML 1.0
// §4.1).
func charReference(b []byte) rune {
	base := rune(10)
	if len(b) > 0 && b[0] == 'x' {
		base, b = 16, b[1:]
	}
	if len(b) == 0 {
		return 0
	}
	var r rune
	for _, c := range b {
		d := digit(c)
		if d >= base {
			return 0
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0
		}
	}
	if !isChar(r) {
		return 0
	}
	return r
}

func digit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return 99
}
