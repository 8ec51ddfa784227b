package archive

import (
	"slices"
	"strconv"
	"time"

	"quorate.org/daemon/im"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

func attr(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, ' '), name...), "='"...)
	return append(xmlwire.AppendEscaped(b, value), '\'')
}

func utc(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") } // XEP-0082 §3.2

// AppendResult appends the message that carries one entry of a page (§4.2,
// XEP-0297).
func (e Entry) AppendResult(dst []byte, query, owner, to string) []byte {
	dst = append(dst, "<message"...)
	dst = attr(attr(dst, "from", owner), "to", to)
	dst = append(dst, "><result xmlns='"+NS+"'"...)
	dst = attr(attr(dst, "queryid", query), "id", e.ID)
	dst = append(dst, "><forwarded xmlns='"+nsForward+"'><delay xmlns='"+nsDelay+"'"...)
	dst = attr(dst, "stamp", utc(e.Time))
	dst = append(dst, "/>"...)
	dst = im.AppendInner(dst, e.Raw)
	return append(dst, "</forwarded></result></message>"...)
}

// Order lists the entries as they are sent.
func (p Page) Order(flip bool) []Entry {
	list := slices.Clone(p.Entries)
	if flip {
		slices.Reverse(list)
	}
	return list
}

// Fin is the payload of the result that follows a page (§4, §4.3.2).
func (p Page) Fin() []byte {
	b := []byte("<fin xmlns='" + NS + "'")
	if p.Complete {
		b = append(b, " complete='true'"...)
	}
	b = append(b, "><set xmlns='"+nsRSM+"'>"...)
	if n := len(p.Entries); n > 0 {
		b = append(b, "<first index='"+strconv.Itoa(p.Index)+"'>"+p.Entries[0].ID+"</first><last>"+p.Entries[n-1].ID+"</last>"...)
	}
	return append(b, "<count>"+strconv.Itoa(p.Count)+"</count></set></fin>"...)
}

// Fields is the payload that tells which fields a query may have (§4.1.5).
func Fields() []byte {
	f := stanza.Form{Type: "form", About: NS, Fields: []stanza.Field{
		{Var: "with", Type: "jid-single"}, {Var: "start", Type: "text-single"}, {Var: "end", Type: "text-single"},
		{Var: "before-id", Type: "text-single"}, {Var: "after-id", Type: "text-single"}, {Var: "ids", Type: "list-multi", Open: true}}}
	return append(f.Append([]byte("<query xmlns='"+NS+"'>")), "</query>"...)
}

// Metadata is the payload that tells where an archive begins and ends (§5).
func Metadata(scan Scan, since int64) []byte {
	b := []byte("<metadata xmlns='" + NS + "'")
	first, last, ok := Ends(scan, since)
	if !ok {
		return append(b, "/>"...)
	}
	b = append(b, '>')
	for _, end := range []struct {
		name string
		e    Entry
	}{{"start", first}, {"end", last}} {
		b = append(append(b, '<'), end.name...)
		b = attr(attr(b, "id", end.e.ID), "timestamp", utc(end.e.Time))
		b = append(b, "/>"...)
	}
	return append(b, "</metadata>"...)
}

// maxPrefs is how many addresses preferences may name.
const maxPrefs = 1000

// ReadPrefs reads preferences as a client sets them (XEP-0441 §2).
func ReadPrefs(raw []byte) (p im.Prefs, refused stanza.Condition) {
	v, _ := xmlwire.Look(raw, nil).Child(NS, "prefs")
	p.Default = v.Get("default").String()
	if !slices.Contains([]string{im.Always, im.Never, im.Roster}, p.Default) {
		return p, stanza.BadRequest
	}
	for list := range v.Children() {
		for c := range list.Children() {
			addr := im.Address(c.Text())
			switch {
			case addr == "":
				return p, stanza.JIDMalformed
			case string(list.Name) == "always":
				p.Always = append(p.Always, addr)
			case string(list.Name) == "never":
				p.Never = append(p.Never, addr)
			}
		}
	}
	for _, list := range []*[]string{&p.Always, &p.Never} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if len(p.Always)+len(p.Never) > maxPrefs {
		return p, stanza.ResourceConstraint
	}
	return p, ""
}

// AppendPrefs appends preferences as an element.
func AppendPrefs(b []byte, p im.Prefs) []byte {
	b = attr(append(b, "<prefs xmlns='"+NS+"'"...), "default", p.Default)
	b = append(b, '>')
	for _, list := range []struct {
		name string
		jids []string
	}{{"always", p.Always}, {"never", p.Never}} {
		b = append(b, "<"+list.name+">"...)
		for _, j := range list.jids {
			b = append(xmlwire.AppendEscaped(append(b, "<jid>"...), j), "</jid>"...)
		}
		b = append(b, "</"+list.name+">"...)
	}
	return append(b, "</prefs>"...)
}
