package xmlwire

import (
	"encoding/binary"
	"math/bits"
)

// Runs of plain bytes are passed eight at a time. Each test below sets the top
// bit of a byte that is not plain; of the set bits only the lowest is exact,
// and only that one is used.
const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// below sets the top bit of each ASCII byte less than n, which then borrows from the
// byte above. For what is not ASCII, x itself is added.
func below(x, n uint64) uint64 { return x - n*ones }

// textRun returns the offset, from i on, of the first byte that is not plain in
// text.
func textRun(b []byte, i int) int {
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		// < is 0x3C and > is 0x3E: one test with the second bit set.
		m := (x | below(x, 0x20) | below((x|2*ones)^'>'*ones, 1) | below(x^'&'*ones, 1)) & tops
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if class[b[i]]&textPlain == 0 {
			return i
		}
		i++
	}
	for i < len(b) && class[b[i]]&textPlain != 0 {
		i++
	}
	return i
}

// valueRun returns the offset, from i on, of the first byte that is not plain in
// an attribute value.
func valueRun(b []byte, i int) int {
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		// " is 0x22, & 0x26 and ' 0x27: one test with the first and third bit
		// set, which also stops at #.
		m := (x | below(x, 0x20) | below((x|5*ones)^'\''*ones, 1) | below(x^'<'*ones, 1)) & tops
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if class[b[i]]&valuePlain == 0 {
			return i
		}
		i++
	}
	for i < len(b) && class[b[i]]&valuePlain != 0 {
		i++
	}
	return i
}

// nameRun returns the offset, from i on, of the first byte that is no ASCII
// NameChar or is a colon. Names are short, so it goes byte by byte.
func nameRun(b []byte, i int) int {
	for i < len(b) && class[b[i]]&nameChar != 0 {
		i++
	}
	return i
}
