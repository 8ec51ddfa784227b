package edge

import "io"

// inbox holds the bytes of a stream that the scanner has not consumed. Between
// stanzas it holds none, and no buffer.
type inbox struct {
	pool *[lentSize]byte // lent, nil while nothing is held or more
	buf  []byte          // pool[:] or larger, nil with nothing held
	held int             // bytes of buf not consumed
}

// fill reads once and returns all bytes not consumed. They hold until keep.
func (in *inbox) fill(r io.Reader) ([]byte, error) {
	switch {
	case in.buf == nil:
		in.pool = lent.Get().(*[lentSize]byte)
		in.buf = in.pool[:]
	case in.held == len(in.buf):
		in.grow()
	}
	n, err := r.Read(in.buf[in.held:])
	if n == 0 && in.held == 0 {
		in.release()
	}
	return in.buf[:in.held+n], dataFirst(n, err)
}

// dataFirst puts off an error that came with bytes; the next read repeats it.
func dataFirst(n int, err error) error {
	if n > 0 {
		return nil
	}
	return err
}

// keep holds rest, the end of what fill returned, for the next fill.
func (in *inbox) keep(rest []byte) {
	if len(rest) == 0 {
		in.release()
		return
	}
	in.held = copy(in.buf, rest)
}

// grow doubles the buffer. The scanner's limits bound it: an element over its
// limit is an error before it is held whole.
func (in *inbox) grow() {
	larger := make([]byte, 2*len(in.buf))
	copy(larger, in.buf[:in.held])
	held := in.held
	in.release()
	in.buf, in.held = larger, held
}

// release gives a lent buffer back and forgets what is held.
func (in *inbox) release() {
	if in.pool != nil {
		lent.Put(in.pool)
	}
	in.pool, in.buf, in.held = nil, nil, 0
}
