package xmlwire

import (
	"bytes"
	"iter"
)

// View is a look at one element in raw bytes that a Scanner accepted. It is for
// control payloads (bind, roster, disco …): it allocates, and finds children
// anew each time it is asked. Of other bytes it makes nonsense, but it does not
// panic.
type View struct {
	Name  []byte // local name; empty if the bytes hold no element
	Space []byte // namespace, resolved and decoded
	Attrs []Attr // attributes and declarations, in order
	Raw   []byte // the whole element

	inner  []byte // between start tag and end tag
	scopes *scope // in scope inside
}

// scope is a declaration in scope and those around it; nil has none. Elements
// share what is around them: a child that declares something copies nothing.
type scope struct {
	binding
	outer *scope
}

// Look views the element raw. With the Header of its Event, names resolve as
// they do on its stream; without one (nil) as they do in a stanza that stands
// alone, whose content namespace is "".
func Look(raw []byte, h *Header) View {
	var outer *scope
	if h != nil {
		outer = &scope{binding{space: h.inherited}, nil}
		for _, p := range h.prefixes {
			outer = &scope{p, outer}
		}
	}
	return look(raw, outer)
}

func look(raw []byte, outer *scope) View {
	t, ok := readTag(raw)
	if !ok {
		return View{}
	}
	v := View{Attrs: t.attrs, scopes: outer, Raw: raw}
	for _, a := range t.attrs {
		if string(a.Name) == "xmlns" {
			v.scopes = &scope{binding{space: a.AppendTo(nil)}, v.scopes}
		} else if p, ok := bytes.CutPrefix(a.Name, []byte("xmlns:")); ok {
			v.scopes = &scope{binding{p, a.AppendTo(nil)}, v.scopes}
		}
	}
	prefix, local, ok := bytes.Cut(t.name, []byte{':'})
	if !ok {
		prefix, local = nil, t.name
	}
	v.Name, v.Space = local, v.space(prefix)
	if !t.empty {
		v.inner = raw[t.len:]
		if end := bytes.LastIndex(v.inner, []byte("</")); end >= 0 {
			v.inner = v.inner[:end]
		}
	}
	return v
}

// space finds the namespace of a prefix that is in scope.
func (v View) space(prefix []byte) []byte {
	for s := v.scopes; s != nil; s = s.outer {
		if bytes.Equal(s.prefix, prefix) {
			return s.space
		}
	}
	if string(prefix) == "xml" {
		return nsXML
	}
	return nil
}

// Is reports whether the element has that namespace and local name.
func (v View) Is(space, name string) bool {
	return string(v.Name) == name && string(v.Space) == space
}

// Get returns the attribute of that qualified name.
func (v View) Get(name string) Attr { return find(v.Attrs, name) }

// Alone returns the element so that it means the same in any place: what it
// uses of the declarations around it is declared in its own tag.
func (v View) Alone() []byte {
	end := bytes.IndexAny(v.Raw, " \t\r\n/>")
	if end < 0 {
		return v.Raw
	}
	out := bytes.Clone(v.Raw[:end])
	done := map[string]bool{"xml": true}
	for s := v.scopes; s != nil; s = s.outer {
		name := "xmlns"
		if len(s.prefix) > 0 {
			name += ":" + string(s.prefix)
		}
		used := len(s.prefix) == 0 || bytes.Contains(v.Raw, append(bytes.Clone(s.prefix), ':'))
		if done[string(s.prefix)] || !used || find(v.Attrs, name).Present() {
			continue
		}
		done[string(s.prefix)] = true
		out = append(out, " "+name+"='"...)
		out = append(AppendEscaped(out, string(s.space)), '\'')
	}
	return append(out, v.Raw[end:]...)
}

// Children yields the child elements in order.
func (v View) Children() iter.Seq[View] {
	return func(yield func(View) bool) {
		for p := range pieces(v.inner) {
			if p.kind == elementPiece && !yield(look(p.raw, v.scopes)) {
				return
			}
		}
	}
}

// Child returns the first child element of that namespace and name.
func (v View) Child(space, name string) (View, bool) {
	for c := range v.Children() {
		if c.Is(space, name) {
			return c, true
		}
	}
	return View{}, false
}

// Text returns the character data directly inside the element, decoded, with
// CDATA sections, and without that of its children.
func (v View) Text() string {
	var out []byte
	for p := range pieces(v.inner) {
		switch p.kind {
		case textPiece:
			out = UnescapeText(out, p.raw)
		case cdataPiece:
			out = appendLines(out, p.raw)
		}
	}
	return string(out)
}

// appendLines appends p with line ends normalised (XML 1.0 §2.11).
func appendLines(dst, p []byte) []byte {
	for i, c := range p {
		if c == '\r' {
			if i+1 < len(p) && p[i+1] == '\n' {
				continue
			}
			c = '\n'
		}
		dst = append(dst, c)
	}
	return dst
}

// find returns the attribute of that qualified name.
func find(attrs []Attr, name string) Attr {
	for _, a := range attrs {
		if string(a.Name) == name {
			return a
		}
	}
	return Attr{}
}
