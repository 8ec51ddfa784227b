package im

import (
	"slices"
	"strconv"
	"strings"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// NSRoster qualifies roster requests (RFC 6121 §2.1).
const NSRoster = "jabber:iq:roster"

// Query is a roster request as a client sent it.
type Query struct {
	Get     bool   // a roster get, else a set of one item
	HasVer  bool   // the client keeps versions (§2.6.2)
	Ver     string // the version it has, "" for none
	Contact string // prepared
	Name    string
	Groups  []string
	Remove  bool
}

// ReadQuery reads the roster request in the IQ raw. ok says whether it is one;
// refused is the condition to answer with where it breaks a rule (RFC 6121
// §2.1.3, §2.1.5, §2.3.3).
func (l Limits) ReadQuery(raw []byte) (q Query, ok bool, refused stanza.Condition) {
	iq := xmlwire.Look(raw, nil)
	query, ok := iq.Child(NSRoster, "query")
	if !ok {
		return q, false, ""
	}
	if iq.Get("type").Is("get") {
		ver := query.Get("ver")
		q = Query{Get: true, HasVer: ver.Present(), Ver: ver.String()}
		for range query.Children() {
			return q, true, stanza.BadRequest
		}
		return q, true, ""
	}
	var item xmlwire.View
	n := 0
	for c := range query.Children() {
		if item = c; n > 0 {
			return q, true, stanza.BadRequest
		}
		n++
	}
	if !item.Is(NSRoster, "item") {
		return q, true, stanza.BadRequest
	}
	q, refused = l.readItem(item)
	return q, true, refused
}

// readItem takes what a client may say of an item: of the subscription only
// that it is to be removed (§2.1.2.5).
func (l Limits) readItem(item xmlwire.View) (q Query, refused stanza.Condition) {
	contact, err := jid.Parse(item.Get("jid").String())
	if err != nil {
		return q, stanza.BadRequest
	}
	q = Query{Contact: contact.String(), Name: item.Get("name").String(), Remove: item.Get("subscription").Is("remove")}
	if len(q.Name) > MaxName {
		return q, stanza.NotAcceptable
	}
	for c := range item.Children() {
		if c.Is(NSRoster, "group") {
			q.Groups = append(q.Groups, c.Text())
		}
		if len(q.Groups) > l.Groups {
			return q, stanza.NotAcceptable
		}
	}
	return q, checkGroups(q.Groups)
}

func checkGroups(groups []string) stanza.Condition {
	for i, g := range groups {
		if slices.Contains(groups[:i], g) {
			return stanza.BadRequest // §2.3.3: the same group twice
		}
		if g == "" || len(g) > MaxName {
			return stanza.NotAcceptable
		}
	}
	return ""
}

// Version is the string that names a version of a roster (§2.1.1). The lineage
// tells apart stores whose indexes mean different things.
func Version(lineage string, ver uint64) string {
	return lineage + "-" + strconv.FormatUint(ver, 10)
}

// readVersion is Version backwards; ok is false for one of another lineage.
func readVersion(lineage, ver string) (n uint64, ok bool) {
	digits, ok := strings.CutPrefix(ver, lineage+"-")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}
