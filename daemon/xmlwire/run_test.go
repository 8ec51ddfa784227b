package xmlwire

import (
	"bytes"
	"testing"
)

// Each pair of neighbouring bytes, at each place of two words and what is behind them: a
// run ends where the byte classes end it.
func TestRunsEndWhereClassesEndThem(t *testing.T) {
	runs := map[string]struct {
		run   func([]byte, int) int
		plain uint8
	}{"textRun": {textRun, textPlain}, "valueRun": {valueRun, valuePlain}}
	for name, r := range runs {
		b := bytes.Repeat([]byte("a"), 19)
		for at := range len(b) - 1 {
			for pair := range 1 << 16 {
				b[at], b[at+1] = byte(pair), byte(pair>>8)
				want := at
				for want < len(b) && class[b[want]]&r.plain != 0 {
					want++
				}
				if got := r.run(b, 0); got != want {
					t.Fatalf("%s ends %q at %d, not at %d", name, b, got, want)
				}
			}
			b[at], b[at+1] = 'a', 'a'
		}
	}
}
