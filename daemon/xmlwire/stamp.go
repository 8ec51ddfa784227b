package xmlwire

// AppendStamped appends raw to dst in the form that stands alone on any stream:
// without the content namespace on its start tag (and on descendants that only
// say it again), with from set, with to set unless to is "" (then it stays as it
// is), with xml:lang set to lang unless it has one or lang is "", and with the
// prefixes of the stream header that it uses declared. from, to and lang are
// given decoded. All else is copied, so an element that has the content namespace
// only because nothing above it declares another takes that of the next stream
// (RFC 6120 §4.8.3, §4.8.5, §8.1.2.1, §8.1.5). raw and h are of one Event; h is not valid after the next call of Next.
func AppendStamped(dst, raw []byte, h *Header, from, to, lang string) []byte {
	dst = append(dst, raw[:h.NameEnd]...)
	dst = appendAttr(dst, " from='", from)
	if to != "" {
		dst = appendAttr(dst, " to='", to)
	}
	if lang != "" && !h.Lang.Present() {
		dst = appendAttr(dst, " xml:lang='", lang)
	}
	dst = h.appendPrefixes(dst)
	last := h.NameEnd
	cuts := h.cuts
	for i, a := range h.Attrs {
		p := h.attrSpans[i]
		drop := string(a.Name) == "from" || to != "" && string(a.Name) == "to"
		if len(cuts) > 0 && p == cuts[0] {
			drop, cuts = true, cuts[1:]
		}
		if drop {
			dst = append(dst, raw[last:p.start]...)
			last = p.end
		}
	}
	for _, p := range cuts {
		dst = append(dst, raw[last:p.start]...)
		last = p.end
	}
	return append(dst, raw[last:]...)
}

// appendPrefixes declares the prefixes of the stream header that are in use.
func (h *Header) appendPrefixes(dst []byte) []byte {
	for i, d := range h.prefixes {
		if h.uses&(1<<i) == 0 {
			continue
		}
		dst = append(dst, " xmlns:"...)
		dst = append(dst, d.prefix...)
		dst = appendAttr(dst, "='", string(d.space))
	}
	return dst
}

// appendAttr appends open, the escaped value and the closing quote.
func appendAttr(dst []byte, open, value string) []byte {
	dst = append(dst, open...)
	dst = AppendEscaped(dst, value)
	return append(dst, '\'')
}
