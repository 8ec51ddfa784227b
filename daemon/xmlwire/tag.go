package xmlwire

import "unicode/utf8"

var (
	errName      = &Error{Condition: NotWellFormed, Text: "a name is malformed"}
	errTag       = &Error{Condition: NotWellFormed, Text: "a tag is malformed"}
	errDuplicate = &Error{Condition: NotWellFormed, Text: "an attribute stands twice in one tag"}
)

// name reads the qualified name of an element or attribute (Namespaces in XML
// §4).
func (e *element) name(b []byte) (step, error) {
	i := nameRun(b, e.pos)
	for ; i < len(b); i = nameRun(b, i) {
		c := b[i]
		if c == ':' {
			if e.colon >= 0 {
				return on, errName
			}
			e.colon = i
			i++
			continue
		}
		if c < utf8.RuneSelf {
			e.pos = i
			return on, e.named(b)
		}
		e.pos = i
		n, err := charLen(b[i:])
		if n == 0 || err != nil {
			return starved, err
		}
		if r, _ := utf8.DecodeRune(b[i:]); !isNameRune(r) {
			return on, errName
		}
		i += n
	}
	e.pos = i
	return on, nil
}

// named takes the name that ends at pos.
func (e *element) named(b []byte) error {
	name := span{e.mark, e.pos}
	if !beginsName(b[name.start:name.end]) {
		return errName
	}
	if e.colon >= 0 && (e.colon == name.start || !beginsName(b[e.colon+1:name.end])) {
		return errName
	}
	if e.st == inAttrName {
		e.attrs = append(e.attrs, attr{gap: e.gap, name: name, colon: e.colon})
		e.st = inEquals
		return nil
	}
	e.tag, e.tagColon = name, e.colon
	e.attrs = e.attrs[:0]
	e.gap, e.spaced, e.st = e.pos, false, inTag
	return nil
}

func beginsName(b []byte) bool {
	if len(b) > 0 && b[0] < utf8.RuneSelf {
		return class[b[0]]&nameStart != 0
	}
	r, _ := utf8.DecodeRune(b)
	return isNameStart(r) && len(b) > 0
}

// inside reads white space and what follows it in a start tag.
func (e *element) inside(s *Scanner, b []byte) (step, error) {
	for {
		i := e.pos
		for i < len(b) && class[b[i]]&space != 0 {
			i++
		}
		e.spaced = e.spaced || i > e.pos
		e.pos = i
		if i == len(b) {
			return on, nil
		}
		switch c := b[i]; {
		case c == '>':
			e.pos++
			return e.start(s, b, false)
		case c == '/':
			e.pos++
			e.st = inEmpty
			if e.pos < len(b) {
				return e.empty(s, b)
			}
			return on, nil
		case !e.spaced:
			return on, errTag
		case len(e.attrs) >= s.lim.Attrs:
			return on, &Error{Condition: PolicyViolation, Text: TooManyAttributes}
		}
		if !e.plain(b) {
			e.mark, e.colon, e.st = e.pos, -1, inAttrName
			return on, nil
		}
	}
}

// plain reads an attribute that is whole in b, has a plain ASCII name, no white
// space at its = and nothing to decode. It is a shortcut past the states from
// inAttrName to inValue, which take all other attributes.
func (e *element) plain(b []byte) bool {
	start, colon := e.pos, -1
	i := nameRun(b, start)
	if i < len(b) && b[i] == ':' {
		colon = i
		i = nameRun(b, i+1)
	}
	if len(b)-i < 3 || b[i] != '=' || b[i+1] != '"' && b[i+1] != '\'' {
		return false
	}
	if class[b[start]]&nameStart == 0 || colon >= 0 && class[b[colon+1]]&nameStart == 0 {
		return false
	}
	end := valueRun(b, i+2)
	if end == len(b) || b[end] != b[i+1] {
		return false
	}
	e.attrs = append(e.attrs, attr{})
	a := &e.attrs[len(e.attrs)-1] // in place: to build one and copy it is slower
	a.gap, a.name.start, a.name.end, a.colon, a.value.start, a.value.end = e.gap, start, i, colon, i+2, end
	e.pos = end + 1
	e.gap, e.spaced = e.pos, false
	return true
}

// empty reads the > behind the / of an empty-element tag.
func (e *element) empty(s *Scanner, b []byte) (step, error) {
	if b[e.pos] != '>' {
		return on, errTag
	}
	e.pos++
	return e.start(s, b, true)
}

// assign reads = and the opening quote, white space in front of each.
func (e *element) assign(b []byte) (step, error) {
	for e.pos < len(b) && class[b[e.pos]]&space != 0 {
		e.pos++
	}
	if e.pos == len(b) {
		return on, nil
	}
	c := b[e.pos]
	e.pos++
	switch {
	case e.st == inEquals && c == '=':
		e.st = inQuote
	case e.st == inQuote && (c == '"' || c == '\''):
		e.quote, e.mark, e.escaped, e.st = c, e.pos, false, inValue
	default:
		return on, errTag
	}
	return on, nil
}

// value reads an attribute's value up to its closing quote (XML 1.0 §2.3).
func (e *element) value(b []byte) (step, error) {
	i := e.pos
	for {
		i = valueRun(b, i)
		e.pos = i
		if i == len(b) {
			return on, nil
		}
		n := 1
		var err error
		switch c := b[i]; c {
		case e.quote:
			a := &e.attrs[len(e.attrs)-1]
			a.value, a.escaped = span{e.mark, i}, e.escaped
			e.pos = i + 1
			e.gap, e.spaced, e.st = e.pos, false, inTag
			return on, nil
		case '"', '\'':
		case '\t', '\n', '\r':
			e.escaped = true
		case '&':
			e.escaped = true
			n, err = referenceLen(b[i:])
		case '<':
			err = errTag
		default:
			n, err = charLen(b[i:])
		}
		if n == 0 || err != nil {
			return starved, err
		}
		i += n
	}
}

// endName compares an end tag's name with that of the open element.
func (e *element) endName(b []byte) (step, error) {
	open := e.stack[len(e.stack)-1].name
	want := b[open.start+e.pos-e.mark : open.end]
	got := b[e.pos:]
	if len(got) >= len(want) {
		if string(got[:len(want)]) != string(want) {
			return on, errEndTag
		}
		e.pos += len(want)
		e.st = inEndSpace
		return e.endSpace(b)
	}
	if string(got) != string(want[:len(got)]) {
		return on, errEndTag
	}
	e.pos += len(got)
	return on, nil
}

// endSpace reads the white space and the > of an end tag.
func (e *element) endSpace(b []byte) (step, error) {
	for e.pos < len(b) && class[b[e.pos]]&space != 0 {
		e.pos++
	}
	if e.pos == len(b) {
		return on, nil
	}
	if b[e.pos] != '>' {
		return on, errEndTag
	}
	e.pos++
	return e.pop(), nil
}

// pop leaves the innermost open element.
func (e *element) pop() step {
	top := len(e.stack) - 1
	o := e.stack[top]
	e.stack = e.stack[:top]
	e.scopes, e.def = e.scopes[:o.scopes], o.def
	e.chain = min(e.chain, top)
	if top == 0 {
		return done
	}
	e.st = inText
	return on
}
