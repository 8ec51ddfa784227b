package edge

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestOutboxModel plays a router, a writer and an end in any order: what was
// taken in is written or given back, once, in order and whole; the bound holds;
// the tail is last.
func TestOutboxModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const limit = 100 << 10
		var o outbox
		o.init(limit, 0)
		var in, back []string
		var wire bytes.Buffer
		writer, ended := false, false
		var chunk []byte // with the writer
		begin := func(r putResult) {
			if r == queuedGo {
				if writer {
					rt.Fatal("two writers")
				}
				chunk, _ = o.take(0)
				writer = chunk != nil
			}
		}
		next := func() {
			wire.Write(chunk)
			n := len(chunk)
			if bytes.HasPrefix(chunk, []byte("tail")) {
				n, ended = 0, true
			}
			if chunk, _ = o.take(n); chunk == nil {
				writer = false
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				s := fmt.Sprintf("<%d %s>", len(in), strings.Repeat("x", rapid.IntRange(0, 20<<10).Draw(rt, "size")))
				was := o.size()
				switch r := o.put([]byte(s)); r {
				case queued, queuedGo:
					in = append(in, s)
					begin(r)
				case overflow:
					if was+len(s) <= limit {
						rt.Fatalf("overflow at %d and %d bytes", was, len(s))
					}
				}
				if o.size() > limit {
					rt.Fatalf("%d bytes held", o.size())
				}
			},
			"release": func(*rapid.T) { begin(o.release()) },
			"write": func(rt *rapid.T) {
				if !writer {
					rt.Skip("no writer")
				}
				next()
			},
			"fail": func(rt *rapid.T) {
				if !writer || rapid.IntRange(0, 9).Draw(rt, "luck") > 0 {
					rt.Skip("no failure")
				}
				o.fail()
				writer = false
			},
			"drain": func(rt *rapid.T) {
				if rapid.IntRange(0, 9).Draw(rt, "luck") > 0 {
					rt.Skip("not yet")
				}
				o.stop()
				for writer {
					next()
				}
				back = append(back, texts(o.unwritten())...)
			},
			"end": func(rt *rapid.T) {
				if o.tail != nil || rapid.IntRange(0, 9).Draw(rt, "luck") > 0 {
					rt.Skip("not yet")
				}
				begin(o.end([]byte("tail")))
			},
			"": func(rt *rapid.T) {
				if ended && !strings.HasSuffix(wire.String(), "tail") {
					rt.Fatal("something is written behind the tail")
				}
			},
		})
		begin(o.release())
		for writer {
			next()
		}
		o.stop()
		back = append(back, texts(o.unwritten())...)
		got := strings.TrimSuffix(wire.String(), "tail") + strings.Join(back, "")
		if diff := cmp.Diff(strings.Join(in, ""), got); diff != "" {
			rt.Fatalf("taken in (-) against written and given back (+): %s", diff)
		}
	})
}

// TestOutboxChunks cuts between stanzas, unless one is larger than a chunk.
func TestOutboxChunks(t *testing.T) {
	var b batch
	for _, n := range []int{10000, 6384, 1, 40000, 5} {
		b.buf = append(b.buf, make([]byte, n)...)
		b.ends = append(b.ends, len(b.buf))
	}
	var got []int
	for off := 0; off < len(b.buf); {
		to := b.next(off)
		got, off = append(got, to-off), to
	}
	if diff := cmp.Diff([]int{16384, 1, 40000, 5}, got); diff != "" {
		t.Error(diff)
	}
	if n := len(b.after(16384, nil)); n != 3 {
		t.Errorf("%d stanzas behind the first chunk", n)
	}
	if n := len(b.after(16385+100, nil)); n != 2 {
		t.Errorf("%d stanzas behind a part of the third", n)
	}
}

func TestStalled(t *testing.T) {
	var o outbox
	o.init(1000, 0)
	now := time.Unix(0, 0)
	if o.stalled(now, 0) {
		t.Error("stalled with nothing to write")
	}
	o.put([]byte("a"))
	o.release()
	o.take(0)
	const limit = 10 * time.Second
	for _, want := range []bool{false, false, false, true} { // the first only looks
		if got := o.stalled(now, limit); got != want {
			t.Errorf("at %v: %v", now.Unix(), got)
		}
		now = now.Add(5 * time.Second)
	}
	o.take(1)
	if o.stalled(now, limit) {
		t.Error("stalled behind the write")
	}
}
