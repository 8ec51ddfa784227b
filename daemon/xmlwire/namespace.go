package xmlwire

import "bytes"

// binding is one namespace declaration in scope; the prefix of the default
// namespace is empty.
type binding struct{ prefix, space []byte }

// maxStreamPrefixes bounds the prefixes a stream header may declare, so that a
// 64-bit set can hold them.
const maxStreamPrefixes = 64

// maxSpace bounds the name of a namespace in bytes, as it stands in the stream. What
// an element needs to stand alone repeats it (View.Alone), so a long one that many
// elements share would make much of little.
const maxSpace = 1024

var (
	errPrefix    = &Error{Condition: NotWellFormed, Text: "a namespace prefix is not declared"}
	errDeclare   = &Error{Condition: NotWellFormed, Text: "a namespace declaration is not allowed"}
	errQualified = &Error{Condition: BadNamespacePrefix, Text: "the content namespace has a prefix"} // RFC 6120 §4.8.5
)

// start takes the start tag that ends at pos: it brings its declarations into
// scope, resolves its names and opens it.
func (e *element) start(s *Scanner, b []byte, empty bool) (step, error) {
	depth := len(e.stack)
	if depth >= s.lim.Depth {
		return on, &Error{Condition: PolicyViolation, Text: TooDeep}
	}
	e.stack = append(e.stack, open{name: e.tag, scopes: len(e.scopes), def: e.def})
	own, err := e.declare(s, b)
	if err != nil {
		return on, err
	}
	space, err := e.resolve(s, b, depth, own)
	if err != nil {
		return on, err
	}
	if err := e.unique(s, b); err != nil {
		return on, err
	}
	if depth == 0 && s.phase == inStream && string(space) == NSStream && e.local().is(b, "stream") {
		return on, &Error{Condition: BadFormat, Text: "there is a stream header inside the stream"}
	}
	e.note(depth, space, empty)
	if s.phase != inStream {
		return done, nil
	}
	if empty {
		return e.pop(), nil
	}
	e.st = inText
	return on, nil
}

// declare brings the tag's declarations into scope. It returns the attribute
// that declares the default namespace, nil if none does.
func (e *element) declare(s *Scanner, b []byte) (own *attr, err error) {
	for i := range e.attrs {
		a := &e.attrs[i]
		if b[a.name.start] != 'x' {
			continue
		}
		name := a.name.of(b)
		if len(name) < 5 || string(name[:5]) != "xmlns" || len(name) > 5 && name[5] != ':' {
			continue
		}
		if len(e.scopes) >= s.lim.Attrs+s.lim.Depth {
			return nil, &Error{Condition: PolicyViolation, Text: "too many namespaces are in scope"}
		}
		if a.value.end-a.value.start > maxSpace {
			return nil, &Error{Condition: PolicyViolation, Text: "the name of a namespace is larger than the limit"}
		}
		e.scopes = append(e.scopes, binding{})
		d := &e.scopes[len(e.scopes)-1]
		d.space = e.keep(a, b)
		if len(name) > 5 {
			d.prefix = e.store(name[6:])
		} else {
			own, e.def = a, len(e.scopes)-1
		}
		if !allowed(d.prefix, d.space) {
			return nil, errDeclare
		}
	}
	return own, nil
}

// allowed holds a declaration to Namespaces in XML §3 and §2.2: xml and xmlns
// stay what they are, nothing else takes their names, and no prefix is undone.
func allowed(prefix, space []byte) bool {
	switch string(prefix) {
	case "xml":
		return string(space) == NSXML
	case "xmlns":
		return false
	case "":
		return string(space) != NSXML && string(space) != NSXMLNS
	}
	return len(space) > 0 && string(space) != NSXML && string(space) != NSXMLNS
}

// store copies p to the arena. Growing the arena leaves earlier copies valid.
func (e *element) store(p []byte) []byte {
	n := len(e.arena)
	e.arena = append(e.arena, p...)
	return e.arena[n:len(e.arena):len(e.arena)]
}

// keep stores the decoded value of a.
func (e *element) keep(a *attr, b []byte) []byte {
	if !a.escaped {
		return e.store(a.value.of(b))
	}
	n := len(e.arena)
	e.arena = Unescape(e.arena, a.value.of(b))
	return e.arena[n:len(e.arena):len(e.arena)]
}

// resolve finds the namespace of the tag's name and keeps the record of what is
// in the content namespace.
func (e *element) resolve(s *Scanner, b []byte, depth int, own *attr) (space []byte, err error) {
	if e.tagColon >= 0 {
		space, err = e.lookup(s, b[e.tag.start:e.tagColon])
	} else {
		space = e.defaultSpace(s)
	}
	if err != nil || s.phase != inStream {
		return space, err
	}
	if depth == 0 {
		e.content = contentOf(s, space)
	}
	if len(e.content) == 0 || !bytes.Equal(space, e.content) {
		return space, nil
	}
	if e.tagColon >= 0 {
		return nil, errQualified
	}
	// RFC 6120 §4.8.3: an element is re-scoped with the stanza if it and all
	// above it are in the content namespace, so a declaration that says only
	// this again must go.
	if e.chain == depth {
		e.chain++
		if own != nil {
			e.cuts = append(e.cuts, span{own.gap, own.value.end + 1})
			e.explicit = e.explicit || depth == 0
		}
	}
	return space, nil
}

// contentOf is the content namespace in force for a first-level element in
// space: that one, if it is of XMPP, because with prefix-free canonicalization
// (RFC 6120 §4.8.2) the stream header does not say; otherwise the stream's.
func contentOf(s *Scanner, space []byte) []byte {
	if string(space) == NSClient || string(space) == NSComponent {
		return space
	}
	if string(s.space) == NSStream {
		return nil
	}
	return s.space
}

var nsXML = []byte(NSXML)

// defaultSpace is the default namespace in scope.
func (e *element) defaultSpace(s *Scanner) []byte {
	if e.def >= 0 {
		return e.scopes[e.def].space
	}
	return s.space
}

// lookup finds the namespace of a prefix, innermost declaration first.
func (e *element) lookup(s *Scanner, prefix []byte) ([]byte, error) {
	for i := len(e.scopes) - 1; i >= 0; i-- {
		if bytes.Equal(e.scopes[i].prefix, prefix) {
			return e.scopes[i].space, nil
		}
	}
	for i := range s.outer {
		if bytes.Equal(s.outer[i].prefix, prefix) {
			e.uses |= 1 << i
			return s.outer[i].space, nil
		}
	}
	if string(prefix) == "xml" {
		return nsXML, nil
	}
	return nil, errPrefix
}

// unique refuses attributes of equal expanded name (Namespaces in XML §6.3) and
// of undeclared prefix.
func (e *element) unique(s *Scanner, b []byte) error {
	for i := range e.attrs {
		a := &e.attrs[i]
		for j := range i {
			if bytes.Equal(a.name.of(b), e.attrs[j].name.of(b)) {
				return errDuplicate
			}
		}
		if a.colon < 0 || string(b[a.name.start:a.colon]) == "xmlns" {
			continue
		}
		space, err := e.lookup(s, b[a.name.start:a.colon])
		if err != nil {
			return err
		}
		for j := range i {
			if e.same(s, b, a, &e.attrs[j], space) {
				return errDuplicate
			}
		}
	}
	return nil
}

// same reports whether o, which is not a, has a's local name and its namespace.
func (e *element) same(s *Scanner, b []byte, a, o *attr, space []byte) bool {
	if o.colon < 0 || !bytes.Equal(b[a.colon+1:a.name.end], b[o.colon+1:o.name.end]) {
		return false
	}
	if string(b[o.name.start:o.colon]) == "xmlns" {
		return false
	}
	other, err := e.lookup(s, b[o.name.start:o.colon])
	return err == nil && bytes.Equal(space, other)
}

// note keeps what Header says about the element and its first child.
func (e *element) note(depth int, space []byte, empty bool) {
	local := e.local()
	switch {
	case depth == 0:
		e.top, e.topLocal, e.topSpace = e.tag, local, space
		e.topEnd, e.topEmpty = e.pos, empty
		e.attrs, e.topAttrs = e.topAttrs[:0], e.attrs
	case depth == 1:
		if e.children == 0 {
			e.child, e.childSpace = local, space
		}
		e.children++
	}
}

// local is the local part of the tag's name.
func (e *element) local() span {
	if e.tagColon >= 0 {
		return span{e.tagColon + 1, e.tag.end}
	}
	return e.tag
}
