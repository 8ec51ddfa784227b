package archive

import (
	"strconv"
	"strings"
	"time"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// Query is what a client asks of its archive (§4).
type Query struct {
	ID         string // queryid
	With       string // an address, bare or full; "" for any
	Start, End int64  // Unix milliseconds; End 0 for none
	AfterID    string
	BeforeID   string
	IDs        map[string]bool // these only
	Flip       bool            // the newest of the page first (§4.3.4)

	Max    int     // of the page; -1 where the client names none
	After  string  // the page behind this message
	Before *string // the page before it; "" for the last one
}

// ReadQuery reads the query in the IQ raw, or returns the condition to refuse it
// with.
func ReadQuery(raw []byte) (q Query, refused stanza.Condition) {
	v, ok := xmlwire.Look(raw, nil).Child(NS, "query")
	if !ok || v.Get("node").Present() { // §6.1.3: nodes have none
		return q, stanza.FeatureNotImplemented
	}
	q = Query{ID: v.Get("queryid").String(), Max: -1}
	if f, ok := stanza.ReadForm(v); ok {
		if f.About != NS {
			return q, stanza.BadRequest
		}
		for _, field := range f.Fields {
			if refused := q.filter(field); refused != "" {
				return q, refused
			}
		}
	}
	_, q.Flip = v.Child(NS, "flip-page")
	if set, ok := v.Child(nsRSM, "set"); ok {
		return q, q.page(set)
	}
	return q, ""
}

// filter reads one field of the form (§4.1). One that is not known is not
// passed over (§4.1.5).
func (q *Query) filter(f stanza.Field) stanza.Condition {
	value := ""
	if len(f.Values) > 0 {
		value = f.Values[0]
	}
	var err error
	switch f.Var {
	case "with":
		var j jid.JID
		j, err = jid.Parse(value)
		q.With = j.String()
	case "start":
		q.Start, err = stamp(value)
	case "end":
		q.End, err = stamp(value)
	case "before-id":
		q.BeforeID = value
	case "after-id":
		q.AfterID = value
	case "ids":
		if len(f.Values) > maxIDs {
			return stanza.PolicyViolation
		}
		q.IDs = map[string]bool{}
		for _, id := range f.Values {
			q.IDs[id] = true
		}
	default:
		return stanza.FeatureNotImplemented
	}
	if err != nil {
		return stanza.BadRequest
	}
	return ""
}

// stamp reads a time as XEP-0082 §3.2 has it.
func stamp(s string) (ms int64, err error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UnixMilli(), err
}

// page reads what part of the results is wanted (XEP-0059 §2).
func (q *Query) page(set xmlwire.View) stanza.Condition {
	for c := range set.Children() {
		switch string(c.Name) {
		case "max":
			n, err := strconv.Atoi(strings.TrimSpace(c.Text()))
			if err != nil || n < 0 {
				return stanza.BadRequest
			}
			q.Max = n
		case "after":
			q.After = c.Text()
		case "before":
			before := c.Text()
			q.Before = &before
		case "index": // XEP-0059 §2.6, which XEP-0313 does not ask for
			return stanza.FeatureNotImplemented
		}
	}
	return ""
}

// maxIDs is how many messages a query names: as many as the largest page.
const maxIDs = 1000

// Bounds of a page.
const (
	DefaultPage = 100       // messages, where a policy says nothing
	maxBytes    = 256 << 10 // of them, or one; an outbox holds a page
)

// Within returns the query for no more messages than a page may have (XEP-0059
// §2.1: a server may return fewer), and whether it asked for more.
func (q Query) Within(page int) (Query, bool) {
	if q.Max >= 0 && q.Max <= page {
		return q, false
	}
	q.Max = page
	return q, true
}
