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

// zeros marks the bytes of x that are 0.
func zeros(x uint64) uint64 { return (x - ones) &^ x & tops }

// odd marks controls (below 0x20) and what is not ASCII.
func odd(x uint64) uint64 { return (x-0x20*ones)&^x&tops | x&tops }

// textRun returns the offset, from i on, of the first byte that is not plain in
// text.
func textRun(b []byte, i int) int {
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		// < is 0x3C and > is 0x3E: one test with the second bit set.
		m := odd(x) | zeros((x|2*ones)^'>'*ones) | zeros(x^'&'*ones)
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
		m := odd(x) | zeros((x|5*ones)^'\''*ones) | zeros(x^'<'*ones)
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
