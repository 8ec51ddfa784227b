package edge

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// pieces is a Reader that gives a stream in the pieces drawn.
type pieces struct {
	rest []byte
	next func(most int) int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest[:p.next(min(len(b), len(p.rest)))])
	p.rest = p.rest[n:]
	return n, nil
}

// TestInbox reads a stream in pieces and consumes it in others: every byte comes
// once and in order, and no buffer is kept when none is held.
func TestInbox(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(0, 100<<10).Draw(rt, "size")
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(i * i >> 7)
		}
		src := &pieces{want, func(most int) int { return rapid.IntRange(1, most).Draw(rt, "piece") }}
		var in inbox
		var got []byte
		for {
			data, err := in.fill(src)
			if errors.Is(err, io.EOF) {
				got = append(got, data...)
				break
			}
			n := rapid.IntRange(0, len(data)).Draw(rt, "consumed")
			got = append(got, data[:n]...)
			in.keep(data[n:])
			if n == len(data) && (in.buf != nil || in.pool != nil) {
				rt.Fatal("a buffer is kept for nothing")
			}
		}
		in.release()
		if !bytes.Equal(got, want) {
			rt.Fatalf("%d of %d bytes, or not the same", len(got), len(want))
		}
	})
}
