package archive

import (
	"bytes"
	"slices"
	"strings"
)

// Page is a part of an archive.
type Page struct {
	Entries  []Entry
	Count    int  // of all that matches
	Index    int  // of the first in that
	Complete bool // nothing follows, in the direction that was asked for
}

// Pick returns the page of an archive that a query asks for. Entries
// before since are none any more. ok is false where a message that the query names is
// not there (§4.1.3, §4.3.2).
func Pick(scan Scan, since int64, q Query) (p Page, ok bool) {
	named, ok := q.named()
	if !ok {
		return p, false
	}
	match := q.clocks(scan, since, named)
	for _, clock := range named {
		if clock == 0 {
			return p, false
		}
	}
	if q.AfterID != "" {
		match = match[place(match, named.of(q.AfterID)+1):]
	}
	if q.BeforeID != "" {
		match = match[:place(match, named.of(q.BeforeID))]
	}
	from, to := q.part(match, named)
	p = Page{Entries: load(scan, match[from:to], q.Before != nil), Count: len(match)}
	if n := len(p.Entries); q.Before != nil {
		p.Index, p.Complete = to-n, to == n
	} else {
		p.Index, p.Complete = from, from+n == len(match)
	}
	return p, true
}

// places are the clocks of messages that are named, 0 for one that is not found.
type places map[[idBytes]byte]uint64

// named are the messages that a query names. ok is false where that is no name.
func (q *Query) named() (m places, ok bool) {
	m = places{}
	list := []string{q.AfterID, q.BeforeID, q.After}
	for id := range q.IDs {
		list = append(list, id)
	}
	if q.Before != nil {
		list = append(list, *q.Before)
	}
	for _, id := range list {
		if id == "" {
			continue
		}
		name, ok := parseName(id)
		if !ok {
			return nil, false
		}
		m[name] = 0
	}
	return m, true
}

func (m places) of(id string) uint64 {
	name, _ := parseName(id)
	return m[name]
}

// clocks are those of the messages that are asked for, but for what a page is and
// the messages behind or before one; it enters the places of those that are named.
// The whole archive is read, so it takes nothing but their clocks.
func (q *Query) clocks(scan Scan, since int64, named places) (match []uint64) {
	scan(0, func(s Stored) bool {
		if s.Time() < since {
			return true
		}
		asked := len(q.IDs) == 0
		if len(named) > 0 {
			if _, ok := named[s.name()]; ok {
				named[s.name()] = s.Clock
				asked = asked || q.IDs[s.id()]
			}
		}
		if asked && q.matches(s) {
			match = append(match, s.Clock)
		}
		return true
	})
	return match
}

// matches reports whether an entry is asked for by time and address.
func (q *Query) matches(s Stored) bool {
	if t := s.Time(); t < q.Start || q.End != 0 && t > q.End {
		return false
	}
	if q.With == "" {
		return true
	}
	with := s.with()
	if !strings.Contains(q.With, "/") { // the owner's own: what they sent to themselves (§4.1.1)
		with, _, _ = bytes.Cut(with, []byte("/"))
	}
	return string(with) == q.With
}

// part is which of the matches the page has.
func (q *Query) part(match []uint64, named places) (from, to int) {
	to = len(match)
	if q.After != "" {
		from = place(match, named.of(q.After)+1)
	}
	if q.Before != nil && *q.Before != "" {
		to = max(from, place(match, named.of(*q.Before)))
	}
	size := DefaultPage
	if q.Max >= 0 {
		size = q.Max
	}
	if q.Before != nil {
		return max(from, to-size), to
	}
	return from, min(to, from+size)
}

// place is the index of the first match at a clock or behind it.
func place(match []uint64, clock uint64) int {
	i, _ := slices.BinarySearch(match, clock)
	return i
}

// load reads the chosen entries, as many as a page holds: the first of them or,
// from the end, the last.
func load(scan Scan, chosen []uint64, fromEnd bool) []Entry {
	if len(chosen) == 0 {
		return nil
	}
	list, size, n := make([]Entry, 0, len(chosen)), 0, 0
	scan(chosen[0], func(s Stored) bool {
		for n < len(chosen) && chosen[n] < s.Clock {
			n++ // it went meanwhile: the oldest make room
		}
		if n == len(chosen) || s.Clock != chosen[n] {
			return n < len(chosen)
		}
		n++
		e := s.Entry()
		if size += len(e.Raw); size > maxBytes && len(list) > 0 && !fromEnd {
			return false
		}
		for list = append(list, e); size > maxBytes && len(list) > 1; list = list[1:] {
			size -= len(list[0].Raw)
		}
		return n < len(chosen)
	})
	return list
}

// Ends returns the first and the last entry of an archive; ok is false if it is
// empty.
func Ends(scan Scan, since int64) (first, last Entry, ok bool) {
	var end uint64
	scan(0, func(s Stored) bool {
		if s.Time() < since {
			return true
		}
		if !ok {
			first, ok = s.Entry(), true
		}
		end = s.Clock
		return true
	})
	last = first
	if ok {
		scan(end, func(s Stored) bool { last = s.Entry(); return false })
	}
	return first, last, ok
}
