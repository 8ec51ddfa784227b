package router

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"maps"
	"slices"
)

// maxShown bounds the table of a report when it is read.
const maxShown = 64 << 20

// shownPair is whose presence a client was shown, and of which session.
type shownPair struct {
	from string
	of   SID
}

// shownTable lists each pair of a report once: many clients see the same contacts.
type shownTable struct {
	at   map[shownPair]uint64
	list []shownPair
}

// appendRefs appends which entries of the table a record has, adding those that are
// not in it yet.
func (t *shownTable) appendRefs(b []byte, r *Record) []byte {
	refs := make([]uint64, 0, len(r.Shown))
	for _, from := range slices.Sorted(maps.Keys(r.Shown)) {
		p := shownPair{from, r.Shown[from]}
		i, ok := t.at[p]
		if !ok {
			if t.at == nil {
				t.at = make(map[shownPair]uint64)
			}
			i = uint64(len(t.list))
			t.at[p] = i
			t.list = append(t.list, p)
		}
		refs = append(refs, i)
	}
	slices.Sort(refs)
	return appendSeqs(b, 0, refs)
}

// append appends the table, compressed.
func (t *shownTable) append(b []byte) []byte {
	raw := binary.AppendUvarint(nil, uint64(len(t.list)))
	for _, p := range t.list {
		raw = appendSID(appendString(raw, p.from), p.of)
	}
	var all bytes.Buffer
	w, err := flate.NewWriter(&all, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	w.Write(raw) // to a buffer, which takes everything
	w.Close()
	return appendString(b, all.Bytes())
}

// shown reads the table, and fills the records that refer to it.
func (d *decoder) shown(claims []Claim, refs [][]uint64) {
	var raw bytes.Buffer
	r := flate.NewReader(bytes.NewReader(d.bytes()))
	if n, err := io.CopyN(&raw, r, maxShown); d.bad || n == maxShown || err != io.EOF {
		d.bad = true
		return
	}
	t := decoder{b: raw.Bytes()}
	var list []shownPair
	for range t.count(18) {
		list = append(list, shownPair{string(t.bytes()), t.sid()})
	}
	if t.bad || len(t.b) != 0 {
		d.bad = true
	}
	for i, each := range refs {
		for _, n := range each {
			if n >= uint64(len(list)) {
				d.bad = true
				return
			}
			if claims[i].Shown == nil {
				claims[i].Shown = make(map[string]SID)
			}
			claims[i].Shown[list[n].from] = list[n].of
		}
	}
}

// appendClaims appends claims with their presence.
func appendClaims(b []byte, claims []Claim, home Inc) []byte {
	var t shownTable
	b = binary.AppendUvarint(b, uint64(len(claims)))
	for _, c := range claims {
		b = appendClaim(b, &c, home)
		b = binary.AppendUvarint(b, uint64(len(c.Presence)))
		if c.Record != nil {
			b = t.appendRefs(b, c.Record)
		}
	}
	return t.append(appendPresences(b, claims))
}

func (d *decoder) claims(home Inc) (claims []Claim) {
	var lengths []uint64
	var refs [][]uint64
	for range d.count(9) {
		c := d.claim(home)
		lengths = append(lengths, d.uint())
		var r []uint64
		if c.Record != nil {
			r = d.seqs(0)
		}
		refs = append(refs, r)
		claims = append(claims, c)
	}
	d.presences(claims, lengths)
	d.shown(claims, refs)
	return claims
}
