package xmlwire

import (
	"bytes"
	"iter"
)

// piece is a run of content: text, the inside of a CDATA section, or a whole
// element.
type piece struct {
	kind pieceKind
	raw  []byte
}

type pieceKind uint8

const (
	textPiece pieceKind = iota
	cdataPiece
	elementPiece
)

// pieces cuts the content of an element. It ends early where b is no content.
func pieces(b []byte) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		for len(b) > 0 {
			p, n := cut(b)
			if n == 0 || !yield(p) {
				return
			}
			b = b[n:]
		}
	}
}

// cut takes the first piece and says how many bytes it took, 0 if b begins with
// none.
func cut(b []byte) (piece, int) {
	if b[0] != '<' {
		n := bytes.IndexByte(b, '<')
		if n < 0 {
			n = len(b)
		}
		return piece{textPiece, b[:n]}, n
	}
	if in, ok := bytes.CutPrefix(b, []byte(cdataOpen)); ok {
		n := bytes.Index(in, []byte("]]>"))
		if n < 0 {
			return piece{}, 0
		}
		return piece{cdataPiece, in[:n]}, len(cdataOpen) + n + len("]]>")
	}
	n := elementLen(b)
	return piece{elementPiece, b[:n]}, n
}

// elementLen is the length of the element b begins with, 0 if it has no end.
func elementLen(b []byte) int {
	depth, i := 0, 0
	for i < len(b) {
		next := bytes.IndexByte(b[i:], '<')
		if next < 0 {
			return 0
		}
		i += next
		switch {
		case bytes.HasPrefix(b[i:], []byte(cdataOpen)):
			end := bytes.Index(b[i:], []byte("]]>"))
			if end < 0 {
				return 0
			}
			i += end + len("]]>")
			continue
		case bytes.HasPrefix(b[i:], []byte("</")):
			end := bytes.IndexByte(b[i:], '>')
			if end < 0 {
				return 0
			}
			i += end + 1
			depth--
		default:
			n, empty := tagLen(b[i:])
			if n == 0 {
				return 0
			}
			i += n
			if !empty {
				depth++
			}
		}
		if depth <= 0 {
			return i
		}
	}
	return 0
}

// tagLen is the length of the start tag b begins with, 0 if it has no end.
func tagLen(b []byte) (n int, empty bool) {
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case '"', '\'':
			end := bytes.IndexByte(b[i+1:], c)
			if end < 0 {
				return 0, false
			}
			i += end + 1
		case '>':
			return i + 1, b[i-1] == '/'
		}
	}
	return 0, false
}

// tag is a start tag.
type tag struct {
	name  []byte
	attrs []Attr
	len   int
	empty bool
}

// readTag reads the start tag b begins with.
func readTag(b []byte) (t tag, ok bool) {
	if len(b) == 0 || b[0] != '<' {
		return t, false
	}
	t.len, t.empty = tagLen(b)
	if t.len == 0 {
		return t, false
	}
	in := b[1 : t.len-1]
	if t.empty {
		in = in[:len(in)-1]
	}
	n := bytes.IndexAny(in, " \t\r\n")
	if n < 0 {
		n = len(in)
	}
	t.name, in = in[:n], in[n:]
	for {
		a, rest, ok := readAttr(in)
		if !ok {
			return t, len(t.name) > 0
		}
		t.attrs, in = append(t.attrs, a), rest
	}
}

// readAttr reads the attribute that b begins with behind white space.
func readAttr(b []byte) (a Attr, rest []byte, ok bool) {
	name, after, ok := bytes.Cut(trimSpace(b), []byte{'='})
	after = trimSpace(after)
	if !ok || len(after) == 0 {
		return a, nil, false
	}
	end := bytes.IndexByte(after[1:], after[0])
	if end < 0 {
		return a, nil, false
	}
	a.Name = bytes.TrimRight(name, " \t\r\n")
	a.Value = after[1 : end+1]
	a.Escaped = bytes.ContainsAny(a.Value, "&\t\r\n")
	return a, after[end+2:], true
}
