package xmlwire

import "sync"

// phase is where in the stream the scanner stands.
type phase uint8

const (
	atStart  phase = iota // nothing seen: an XML declaration may come
	atHeader              // white space or the declaration seen: a stream header must come
	inStream              // between or inside first-level elements
	atEnd                 // the stream's end tag seen
)

// Scanner cuts one direction of one XMPP stream into events. It keeps no bytes
// of the buffer, only offsets into it, and its own copies of what the stream
// header declares.
type Scanner struct {
	lim   Limits
	phase phase
	err   error // the first error, which is final

	*reading // nil while nothing is read, see Rest

	root  []byte    // qualified name of the stream header
	space []byte    // its default namespace
	outer []binding // prefixes it declares
	lang  bool      // it has xml:lang
}

// reading is what it takes to read the stream header or a first-level element and to
// describe it. It is much, and most streams are between two elements most of the time.
type reading struct {
	elem   element
	header Header
	stream StreamHeader
}

var readings = sync.Pool{New: func() any { return new(reading) }}

// Rest gives back what only reading takes, unless an element is begun. Call it before
// waiting for more bytes; it ends the time that headers hold.
func (s *Scanner) Rest() {
	if s.reading != nil && s.elem.pos == 0 {
		readings.Put(s.reading)
		s.reading = nil
	}
}

// NewScanner returns a scanner that expects a stream header.
func NewScanner(l Limits) *Scanner {
	s := new(Scanner)
	s.SetLimits(l)
	return s
}

// SetLimits changes the limits from the next call of Next on.
func (s *Scanner) SetLimits(l Limits) {
	d := DefaultLimits
	s.lim = Limits{or(l.Stanza, d.Stanza), or(l.Header, d.Header), or(l.Depth, d.Depth), or(l.Attrs, d.Attrs)}
}

func or(n, d int) int {
	if n <= 0 {
		return d
	}
	return n
}

// Restart makes the scanner expect a new stream header, as after STARTTLS (RFC
// 6120 §5.4.3.3) and SASL success (§6.4.6). The caller must not carry bytes
// over that came before TLS.
func (s *Scanner) Restart() {
	s.phase, s.err = atStart, nil
	s.root, s.space, s.outer, s.lang = nil, nil, nil, false
	if s.reading != nil {
		s.elem.reset()
	}
}

// Next looks for the next event in buf, which holds all bytes of the stream
// that were not consumed yet, and says how many of them are done with. With
// Kind NeedMore the caller keeps buf[n:] and calls again with more bytes behind
// them; the scanner remembers how far it has looked, so that feeding byte by
// byte costs no more than one pass. White space between stanzas (RFC 6120
// §4.6.1) is consumed. An error is always an *Error and final until Restart.
func (s *Scanner) Next(buf []byte) (ev Event, n int, err error) {
	if s.err != nil {
		return Event{}, 0, s.err
	}
	if s.reading == nil {
		s.reading = readings.Get().(*reading)
		s.elem.reset()
	}
	ev, n, err = s.next(buf)
	s.err = err
	return ev, n, err
}

func (s *Scanner) next(buf []byte) (Event, int, error) {
	n := 0
	for {
		if s.elem.pos == 0 {
			n += s.skipSpace(buf[n:])
		}
		if n == len(buf) {
			return Event{}, n, nil
		}
		b, clipped := s.clip(buf[n:])
		st, err := s.construct(b)
		switch {
		case err != nil:
			return Event{}, n, err
		case st == more && clipped:
			return Event{}, n, &Error{Condition: PolicyViolation, Text: TooLarge}
		case st == more:
			return Event{}, n, nil
		}
		raw := b[:s.elem.pos:s.elem.pos]
		n += s.elem.pos
		s.elem.pos = 0
		if st == declaration {
			continue
		}
		ev, err := s.event(st, raw)
		return ev, n, err
	}
}

// skipSpace counts the white space b begins with. In front of an XML
// declaration there must be none (XML 1.0 §2.8).
func (s *Scanner) skipSpace(b []byte) int {
	i := 0
	for i < len(b) && class[b[i]]&space != 0 {
		i++
	}
	if i > 0 && s.phase == atStart {
		s.phase = atHeader
	}
	return i
}

// clip narrows b to the limit, and says whether more bytes would not be looked
// at: an element that is not whole in there is too large.
func (s *Scanner) clip(b []byte) ([]byte, bool) {
	limit := s.lim.Stanza
	if s.phase == atStart || s.phase == atHeader {
		limit = s.lim.Header
	}
	if len(b) < limit {
		return b, false
	}
	return b[:limit], true
}

// status is how far reading one construct got.
type status uint8

const (
	more        status = iota // not whole
	declaration               // an XML declaration
	opening                   // the stream header
	stanza                    // a first-level element
	closing                   // the stream's end tag
)

// construct reads, or goes on reading, what stands at b's start.
func (s *Scanner) construct(b []byte) (status, error) {
	if s.elem.pos == 0 {
		if st, err := s.begin(b); st != stanza || err != nil {
			return st, err
		}
	}
	whole, err := s.elem.scan(s, b)
	switch {
	case err != nil || !whole:
		return more, err
	case s.phase == inStream:
		return stanza, nil
	}
	return opening, nil
}

// begin looks at the first bytes of a construct: it handles all but elements,
// for which it says stanza.
func (s *Scanner) begin(b []byte) (status, error) {
	if b[0] != '<' {
		return more, s.stray(b)
	}
	if len(b) == 1 {
		return more, nil
	}
	switch c := b[1]; {
	case c == '?':
		return s.instruction(b)
	case c == '!':
		return more, s.forbidden(b)
	case s.phase == atEnd:
		return more, &Error{Condition: NotWellFormed, Text: "there is an element behind the end of the stream"}
	case c == '/':
		return s.endTag(b)
	case c == 0:
		return more, s.stray(b[1:])
	}
	s.elem.begin()
	return stanza, nil
}

// stray is the error for a byte that begins neither white space nor markup.
func (s *Scanner) stray(b []byte) error {
	c := b[0]
	if s.phase == inStream && c >= 0x20 {
		return errStrayText
	}
	if s.phase <= atHeader && (c == 0 || c >= 0xFE) {
		return &Error{Condition: UnsupportedEncoding, Text: "the stream is not in UTF-8"} // RFC 6120 §11.6
	}
	// This covers U+FEFF at the start, which is no byte order mark (RFC 6120
	// §11.6) and so is text outside the root element.
	return &Error{Condition: NotWellFormed, Text: "there is text outside the root element"}
}

// forbidden is the error for <! outside a stanza, where no CDATA may stand.
func (s *Scanner) forbidden(b []byte) error {
	if len(b) < 3 {
		return nil
	}
	if c := b[2]; c == '[' && s.phase == inStream {
		return errStrayText
	}
	return markupError(b[2])
}

// markupError is the error for <! followed by c (RFC 6120 §11.1).
func markupError(c byte) error {
	switch c {
	case '-':
		return &Error{Condition: RestrictedXML, Text: "comments are not allowed"}
	case 'D', 'E', 'A', 'N':
		return &Error{Condition: RestrictedXML, Text: "document type declarations are not allowed"}
	}
	return &Error{Condition: NotWellFormed, Text: "<! begins no markup"}
}

// endTag reads the end tag of the stream. Such a tag is short, so it is looked
// at anew whenever more of it comes.
func (s *Scanner) endTag(b []byte) (status, error) {
	if s.phase != inStream {
		return more, &Error{Condition: NotWellFormed, Text: "there is an end tag without a start tag"}
	}
	name := b[2:]
	for i := 0; i < len(name) && i < len(s.root); i++ {
		if name[i] != s.root[i] {
			return more, errEndTag
		}
	}
	for i := len(s.root); i < len(name); i++ {
		if name[i] == '>' {
			s.elem.pos = 2 + i + 1
			return closing, nil
		}
		if class[name[i]]&space == 0 || i > len(s.root)+maxEndSpace {
			return more, errEndTag
		}
	}
	return more, nil
}

// maxEndSpace bounds the white space in an end tag of the stream.
const maxEndSpace = 64

var (
	errEndTag    = &Error{Condition: NotWellFormed, Text: "an end tag does not match its start tag"}
	errStrayText = &Error{Condition: BadFormat, Text: "there is text between stanzas"} // RFC 6120 §4.9.3.1
)

// event describes the construct just read and moves to the next phase.
func (s *Scanner) event(st status, raw []byte) (Event, error) {
	switch st {
	case opening:
		if err := s.open(raw); err != nil {
			return Event{}, err
		}
		s.phase = inStream
		return Event{Kind: StreamOpen, Raw: raw, Stream: &s.stream}, nil
	case closing:
		s.phase = atEnd
		return Event{Kind: StreamClose, Raw: raw}, nil
	}
	s.describe(raw)
	return Event{Kind: Stanza, Raw: raw, Header: &s.header}, nil
}
