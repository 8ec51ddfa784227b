package xmlwire

// span is a range of offsets in the element being read.
type span struct{ start, end int }

func (p span) of(b []byte) []byte { return b[p.start:p.end:p.end] }

func (p span) is(b []byte, s string) bool { return string(b[p.start:p.end]) == s }

// attr is one attribute or declaration of the tag being read.
type attr struct {
	gap     int  // where the white space in front of it begins
	name    span // qualified
	colon   int  // offset of the colon in the name, -1 if there is none
	value   span // between the quotes
	escaped bool // the value has references or white space to normalise
}

// open is a start tag whose end tag has not come.
type open struct {
	name   span
	scopes int // how many bindings are in scope outside of it
	def    int // the binding of the default namespace outside of it
}

// state is the lexeme the next byte belongs to.
type state uint8

const (
	inText state = iota
	inMarkup
	inBang
	inCDATA
	inName
	inTag
	inEmpty
	inAttrName
	inEquals
	inQuote
	inValue
	inEndName
	inEndSpace
)

// element reads one element with all it contains, byte for byte and once. All
// offsets are relative to the element's first byte.
type element struct {
	st      state
	quote   byte
	spaced  bool // white space stands in front of what comes next in the tag
	escaped bool // the value being read has something to decode
	pos     int  // bytes looked at; 0 means no element was begun
	mark    int  // where the lexeme begins
	colon   int  // in the name being read, -1 if there is none
	gap     int  // where the white space in front of an attribute begins

	tag      span // name of the start tag being read
	tagColon int
	attrs    []attr // of the start tag being read
	stack    []open

	scopes  []binding // declarations in scope, innermost last
	def     int       // index in scopes of the default namespace, -1: the stream's
	arena   []byte    // what scopes points into
	content []byte    // the content namespace that this element may declare again
	chain   int       // how many elements from the top are all in that namespace

	top        span // name of the top element
	topLocal   span
	topAttrs   []attr
	topEnd     int // behind the start tag
	topEmpty   bool
	topSpace   []byte
	child      span // local name of the first child, empty if there is none
	childSpace []byte
	children   int
	cuts       []span // declarations of the content namespace to drop
	explicit   bool   // one of them is the top element's
	uses       uint64 // prefixes of the stream header in use
}

// keepArena is the memory for namespaces that a scanner holds on to.
const keepArena = 1024

// reset forgets the element.
func (e *element) reset() {
	if cap(e.arena) > keepArena {
		e.arena, e.scopes = nil, nil
	}
	*e = element{
		attrs: e.attrs[:0], stack: e.stack[:0], scopes: e.scopes[:0], arena: e.arena[:0],
		topAttrs: e.topAttrs[:0], cuts: e.cuts[:0], def: -1,
	}
}

// begin starts an element whose < stands at offset 0.
func (e *element) begin() {
	e.reset()
	e.pos, e.st = 1, inMarkup
}

// step is what reading a lexeme came to.
type step uint8

const (
	on      step = iota // go on with the next state
	starved             // the bytes end inside a character or reference
	done                // the element is whole
)

// scan goes on reading in b, which begins with the element, and says whether
// the element is whole. Of the stream header only the start tag is read.
func (e *element) scan(s *Scanner, b []byte) (whole bool, err error) {
	for e.pos < len(b) {
		st := on
		switch e.st {
		case inText:
			st, err = e.text(b)
		case inMarkup:
			st, err = e.markup(b)
		case inBang:
			st, err = e.bang(b)
		case inCDATA:
			st, err = e.cdata(b)
		case inName, inAttrName:
			st, err = e.name(b)
		case inTag:
			st, err = e.inside(s, b)
		case inEmpty:
			st, err = e.empty(s, b)
		case inEquals, inQuote:
			st, err = e.assign(b)
		case inValue:
			st, err = e.value(b)
		case inEndName:
			st, err = e.endName(b)
		case inEndSpace:
			st, err = e.endSpace(b)
		}
		if st != on || err != nil {
			return st == done, err
		}
	}
	return false, nil
}
