package xmlwire

import "slices"

// describe fills the header of the first-level element raw.
func (s *Scanner) describe(raw []byte) {
	e, h := &s.elem, &s.header
	h.Name, h.Space = e.topLocal.of(raw), e.topSpace
	h.ChildName, h.ChildSpace, h.Children = nil, e.childSpace, e.children
	if e.children > 0 {
		h.ChildName = e.child.of(raw)
	}
	h.Explicit, h.Empty, h.StartEnd, h.NameEnd = e.explicit, e.topEmpty, e.topEnd, e.top.end
	h.cuts, h.uses, h.prefixes, h.inherited = e.cuts, e.uses, s.outer, s.space
	h.To, h.From, h.Type, h.ID, h.Lang = Attr{}, Attr{}, Attr{}, Attr{}, Attr{}
	n := len(e.topAttrs)
	h.Attrs, h.attrSpans = slices.Grow(h.Attrs[:0], n)[:n], slices.Grow(h.attrSpans[:0], n)[:n]
	for i := range e.topAttrs {
		a := &e.topAttrs[i]
		name, value := a.name.of(raw), a.value.of(raw)
		h.Attrs[i].set(name, value, a.escaped)
		h.attrSpans[i].start, h.attrSpans[i].end = a.gap, a.value.end+1
		if own := h.own(name); own != nil {
			own.set(name, value, a.escaped)
		}
	}
	h.Inherits = h.uses != 0 || s.lang && !h.Lang.Present()
}

// set fills a in place: to build one and copy it is slower.
func (a *Attr) set(name, value []byte, escaped bool) {
	a.Name, a.Value, a.Escaped = name, value, escaped
}

// own is the field of its own that an attribute of that name has (RFC 6120 §8.1), nil
// if it has none.
func (h *Header) own(name []byte) *Attr {
	switch string(name) {
	case "to":
		return &h.To
	case "from":
		return &h.From
	case "type":
		return &h.Type
	case "id":
		return &h.ID
	case "xml:lang":
		return &h.Lang
	}
	return nil
}

// open checks the stream header raw and keeps what it declares for the stream.
func (s *Scanner) open(raw []byte) error {
	e := &s.elem
	switch {
	case string(e.topSpace) != NSStream:
		return &Error{Condition: InvalidNamespace, Text: "the stream header is not in the stream namespace"} // RFC 6120 §4.8.1
	case string(e.topLocal.of(raw)) != "stream":
		return &Error{Condition: BadFormat, Text: "the stream header is not named stream"}
	case e.topEmpty:
		return &Error{Condition: BadFormat, Text: "the stream header is an empty element"}
	}
	if err := s.adopt(); err != nil {
		return err
	}
	s.root = append([]byte(nil), e.top.of(raw)...)
	s.stream = StreamHeader{}
	if string(s.space) != NSStream {
		s.stream.Space = s.space
	}
	for i := range e.topAttrs {
		a := &e.topAttrs[i]
		name := a.name.of(raw)
		if own := s.stream.own(name); own != nil {
			own.set(name, a.value.of(raw), a.escaped)
		}
	}
	s.lang = s.stream.Lang.Present()
	return nil
}

// adopt copies the declarations of the stream header, which hold for the life
// of the stream.
func (s *Scanner) adopt() error {
	for _, d := range s.elem.scopes {
		if len(s.outer) == maxStreamPrefixes {
			return &Error{Condition: PolicyViolation, Text: "the stream header declares too many prefixes"}
		}
		d.space = append([]byte(nil), d.space...)
		if len(d.prefix) == 0 {
			s.space = d.space
			continue
		}
		d.prefix = append([]byte(nil), d.prefix...)
		s.outer = append(s.outer, d)
	}
	return nil
}

// own is the field of its own that an attribute of that name has (RFC 6120 §4.7), nil
// if it has none.
func (h *StreamHeader) own(name []byte) *Attr {
	switch string(name) {
	case "to":
		return &h.To
	case "from":
		return &h.From
	case "id":
		return &h.ID
	case "version":
		return &h.Version
	case "xml:lang":
		return &h.Lang
	}
	return nil
}
