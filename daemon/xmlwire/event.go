package xmlwire

// Limits bound what one peer can make the scanner hold or do. A field that is
// zero takes its value from DefaultLimits.
type Limits struct {
	Stanza int // bytes of one first-level element, tags included
	Header int // bytes of the stream header with its XML declaration
	Depth  int // nested elements in one stanza, the stanza itself counted
	Attrs  int // attributes and namespace declarations of one element
}

// DefaultLimits are the bounds of an authenticated stream.
var DefaultLimits = Limits{Stanza: 262144, Header: 8192, Depth: 64, Attrs: 64}

// The texts of the errors of these limits, for whoever counts them.
const (
	TooLarge          = "the element is larger than the limit"
	TooDeep           = "the elements are nested too deeply"
	TooManyAttributes = "an element has too many attributes"
)

// Kind says what an Event is.
type Kind uint8

// The kinds of events.
const (
	NeedMore    Kind = iota // no whole event yet: read more, call again
	StreamOpen              // a stream header; Event.Stream describes it
	Stanza                  // a whole first-level element; Event.Header describes it
	StreamClose             // the end tag of the stream
)

// Attr is one attribute as it stands on the wire. A zero Attr is an absent one.
type Attr struct {
	Name    []byte // qualified name, prefix included
	Value   []byte // raw bytes between the quotes; not nil if present
	Escaped bool   // Value has references or white space to normalise
}

// Present reports whether the attribute is there, be it empty.
func (a Attr) Present() bool { return a.Value != nil }

// AppendTo appends the value, decoded and normalised, to dst.
func (a Attr) AppendTo(dst []byte) []byte {
	if !a.Escaped {
		return append(dst, a.Value...)
	}
	return Unescape(dst, a.Value)
}

// String returns the value, decoded and normalised; "" if absent.
func (a Attr) String() string {
	if !a.Escaped {
		return string(a.Value)
	}
	return string(Unescape(nil, a.Value))
}

// Is reports whether the attribute is present and its decoded value is s.
func (a Attr) Is(s string) bool {
	if !a.Escaped {
		return a.Value != nil && string(a.Value) == s
	}
	return string(Unescape(nil, a.Value)) == s
}

// Header describes a first-level element. All slices hold until the next call
// of Next or Rest.
type Header struct {
	Name  []byte // local name of the element: message, presence, iq, auth, handshake …
	Space []byte // its resolved and decoded namespace

	To, From, Type, ID Attr
	Lang               Attr // xml:lang of the element itself

	ChildName  []byte // local name of the first child element, nil if there is none
	ChildSpace []byte // its resolved and decoded namespace
	Children   int    // number of child elements

	Attrs []Attr // every attribute and declaration of the element, in order

	Explicit bool // the element itself declares the content namespace it is in (RFC 6120 §4.8.2)
	Inherits bool // it uses a prefix or xml:lang of the stream header: see AppendStamped
	Empty    bool // it is an empty-element tag: <presence/>
	StartEnd int  // offset in Event.Raw behind the element's start tag
	NameEnd  int  // offset in Event.Raw behind the element's name

	attrSpans []span    // of Attrs in Raw, leading white space included
	cuts      []span    // what re-scoping removes, in order
	uses      uint64    // bit i: prefixes[i] is used by the element
	prefixes  []binding // declared by the stream header
	inherited []byte    // default namespace of the stream header
}

// Get returns the attribute of that qualified name.
func (h *Header) Get(name string) Attr { return find(h.Attrs, name) }

// Is reports whether the element has that local name and namespace.
func (h *Header) Is(space, name string) bool {
	return string(h.Name) == name && string(h.Space) == space
}

// StreamHeader describes the start tag of a stream (RFC 6120 §4.7). Its slices
// hold until the next call of Next or Rest.
type StreamHeader struct {
	Space    []byte // the content namespace: the declared default namespace, nil if that is the stream namespace or absent
	To, From Attr
	ID       Attr
	Version  Attr
	Lang     Attr
}

// Event is what Next found. Raw is a part of the buffer given to Next.
type Event struct {
	Kind   Kind
	Raw    []byte
	Header *Header       // of a Stanza
	Stream *StreamHeader // of a StreamOpen
}

// Error is a violation that ends the stream.
type Error struct {
	Condition string // stream error condition of RFC 6120 §4.9.3
	Text      string // one sentence for the log and for the peer, without its data
	Detail    string // an application-specific element for the peer (RFC 6120 §4.9.4), or ""
}

// Error returns condition and text.
func (e *Error) Error() string { return e.Condition + ": " + e.Text }

// The conditions (RFC 6120 §4.9.3) the scanner raises.
const (
	BadFormat           = "bad-format"
	BadNamespacePrefix  = "bad-namespace-prefix"
	InvalidNamespace    = "invalid-namespace"
	NotWellFormed       = "not-well-formed"
	PolicyViolation     = "policy-violation"
	RestrictedXML       = "restricted-xml"
	UnsupportedEncoding = "unsupported-encoding"
)

// Namespaces the scanner knows.
const (
	NSStream    = "http://etherx.jabber.org/streams"
	NSClient    = "jabber:client"
	NSComponent = "jabber:component:accept"
	NSXML       = "http://www.w3.org/XML/1998/namespace"
	NSXMLNS     = "http://www.w3.org/2000/xmlns/"
)
