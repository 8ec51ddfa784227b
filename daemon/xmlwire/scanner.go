package xmlwire

// Scanner cuts one direction of one XMPP stream into events.
type Scanner struct{ lim Limits }

type binding struct{ prefix, space []byte }

// NewScanner returns a scanner that expects a stream header.
func NewScanner(l Limits) *Scanner { return &Scanner{lim: l} }

// Next looks for the next event in buf, which holds all bytes of the stream
// that were not consumed yet, and says how many of them are done with. With
// Kind NeedMore the caller keeps buf[n:] and calls again with more bytes behind
// them; the scanner remembers how far it has looked. An error is always an
// *Error and final.
func (s *Scanner) Next(buf []byte) (ev Event, n int, err error) { panic("not yet") }

// Restart makes the scanner expect a new stream header, as after STARTTLS (RFC
// 6120 §5.4.3.3) and SASL success (§6.4.6).
func (s *Scanner) Restart() {}

// SetLimits changes the limits from the next call of Next on.
func (s *Scanner) SetLimits(l Limits) { s.lim = l }

// AppendStamped appends raw to dst in the form that stands alone on any stream:
// without the content namespace on its start tag, with from set, with to set
// unless to is "" (then it stays as it is), with xml:lang set to lang unless it
// has one or lang is "", and with the stream header's prefixes it uses declared.
// from, to and lang are given decoded. The rest is copied.
func AppendStamped(dst, raw []byte, h *Header, from, to, lang string) []byte { panic("not yet") }
