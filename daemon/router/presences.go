package router

import (
	"bytes"
	"compress/flate"
	"io"
)

// maxPresence bounds the presence of one claim: what a stanza may measure by any
// setting.
const maxPresence = 16 << 20

// appendPresences appends the presence of all claims as one compressed string:
// they are most of a SYNC and much alike.
func appendPresences(b []byte, claims []Claim) []byte {
	var all bytes.Buffer
	w, err := flate.NewWriter(&all, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	for _, c := range claims {
		w.Write(c.Presence) // to a buffer, which takes everything
	}
	w.Close()
	return appendString(b, all.Bytes())
}

// presences reads what appendPresences wrote. What is held while reading grows
// with what there is, not with what the lengths promise.
func (d *decoder) presences(claims []Claim, lengths []uint64) {
	r := flate.NewReader(bytes.NewReader(d.bytes()))
	for i, n := range lengths {
		if n == 0 || d.bad {
			continue
		}
		var p bytes.Buffer
		if n > maxPresence {
			d.bad = true
		} else if _, err := io.CopyN(&p, r, int64(n)); err != nil {
			d.bad = true
		}
		claims[i].Presence = p.Bytes()
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		d.bad = true
	}
}
