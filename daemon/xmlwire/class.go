package xmlwire

// Byte classes. A byte that a loop may pass without thought has the loop's bit.
const (
	textPlain  = 1 << iota // in text: anything but < & > controls and non-ASCII
	valuePlain             // in attribute values: also no quotes and no tab, LF, CR
	cdataPlain             // in CDATA sections: like text, with < and &
	nameStart              // ASCII NameStartChar but the colon
	nameChar               // ASCII NameChar but the colon
	space                  // S of XML 1.0 §2.3
)

var class = classes()

func classes() (t [256]uint8) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = textPlain | valuePlain | cdataPlain
	}
	for _, c := range "\t\n\r" {
		t[c] = textPlain | cdataPlain | space
	}
	t[' '] |= space
	t['<'] = cdataPlain
	t['&'] = cdataPlain
	t['>'] = valuePlain
	t['"'] &^= valuePlain
	t['\''] &^= valuePlain
	for c := 'a'; c <= 'z'; c++ {
		t[c] |= nameStart | nameChar
		t[c-'a'+'A'] |= nameStart | nameChar
	}
	t['_'] |= nameStart | nameChar
	for c := '0'; c <= '9'; c++ {
		t[c] |= nameChar
	}
	t['-'] |= nameChar
	t['.'] |= nameChar
	return t
}

// isChar is the production Char (XML 1.0 §2.2).
func isChar(r rune) bool {
	return r >= 0x20 && r <= 0xD7FF || r == '\t' || r == '\n' || r == '\r' ||
		r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// isNameStart is NameStartChar (XML 1.0, fifth edition, §2.3) less the colon,
// which separates prefix and local name (Namespaces in XML §4).
func isNameStart(r rune) bool {
	if r < 0x80 {
		return r >= 0 && class[r]&nameStart != 0
	}
	return r >= 0xC0 && r <= 0x2FF && r != 0xD7 && r != 0xF7 ||
		r >= 0x370 && r <= 0x1FFF && r != 0x37E ||
		r == 0x200C || r == 0x200D ||
		r >= 0x2070 && r <= 0x218F || r >= 0x2C00 && r <= 0x2FEF ||
		r >= 0x3001 && r <= 0xD7FF || r >= 0xF900 && r <= 0xFDCF ||
		r >= 0xFDF0 && r <= 0xFFFD || r >= 0x10000 && r <= 0xEFFFF
}

// isNameRune is NameChar (XML 1.0, fifth edition, §2.3) beyond ASCII.
func isNameRune(r rune) bool {
	return isNameStart(r) || r == 0xB7 || r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040
}
