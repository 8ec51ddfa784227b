package pep

import (
	"slices"
	"strconv"
	"strings"

	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// nsRSM qualifies the parts of a large answer (XEP-0059).
const nsRSM = "http://jabber.org/protocol/rsm"

// maxAnswer is how many bytes an answer has, or one item: what does not fit in an
// outbox ends the stream of who asked.
const maxAnswer = 256 << 10

// set reads what part of the items is wanted (XEP-0059 §2).
func (q *Request) set(v xmlwire.View) *Refusal {
	q.Paged, q.First = true, q.Max == 0 // XEP-0060 §6.5.7: max_items is of the newest
	for c := range v.Children() {
		switch string(c.Name) {
		case "max":
			n, err := strconv.Atoi(strings.TrimSpace(c.Text()))
			if err != nil || n < 0 {
				return bad("")
			}
			q.Count = n == 0 // §2.7
			if q.Max == 0 || n < q.Max {
				q.Max = n
			}
		case "after":
			q.After = c.Text()
		case "before":
			q.Before, q.First = c.Text(), false // §2.3, §2.5
		}
	}
	return nil
}

// page is the part of a list that a request asks for and an answer holds: the
// newest (XEP-0060 §6.5.4) or, of a page forwards, the oldest behind one that is
// named or of all (XEP-0059 §2.1, §2.2). ok is false where what is named is not there.
func (q Request) page(list []Item) (from, to int, ok bool) {
	if q.Count {
		return 0, 0, true
	}
	to = len(list)
	if q.After != "" {
		from = place(list, q.After) + 1
	}
	if q.Before != "" {
		to = place(list, q.Before)
	}
	if q.After != "" && from == 0 || to < 0 {
		return 0, 0, false
	}
	list = list[from:max(from, to)]
	if q.First || q.After != "" {
		return from, from + q.fitting(list), true
	}
	list = slices.Clone(list)
	slices.Reverse(list)
	return to - q.fitting(list), to, true
}

func place(list []Item, id string) int {
	return slices.IndexFunc(list, func(it Item) bool { return it.ID == id })
}

// fitting is how many of a list are asked for and fit, from its beginning; one
// always does.
func (q Request) fitting(list []Item) (n int) {
	for size := 0; n < len(list) && (q.Max == 0 || n < q.Max); n++ {
		if size += len(itemXML(list[n])); n > 0 && size > maxAnswer {
			break
		}
	}
	return n
}

func itemXML(it Item) []byte {
	w := &writer{}
	w.item(it, false)
	return w.b
}

// part tells what part of a list an answer has (XEP-0059 §2.2): the names of its
// first and last, where it begins, and of how many. An empty one has only the last
// of these.
func (w *writer) part(names []string, from, all int) {
	w.open("set", "xmlns", nsRSM)
	if n := len(names); n > 0 {
		w.open("first", "index", strconv.Itoa(from))
		w.b = xmlwire.AppendEscaped(w.b, names[0])
		w.close("first")
		w.open("last")
		w.b = xmlwire.AppendEscaped(w.b, names[n-1])
		w.close("last")
	}
	w.open("count")
	w.b = strconv.AppendInt(w.b, int64(all), 10)
	w.close("count", "set")
}

// discoItems lists what fits of a list in an answer to disco#items, the last or
// the first of it, and says where that is not all (XEP-0030 §6.2).
func discoItems(node string, list []stanza.Item, last bool) []byte {
	all, size, n := len(list), 0, 0
	for ; n < all; n++ {
		it := list[n]
		if last {
			it = list[all-1-n]
		}
		if size += len(stanza.AppendDiscoItems(nil, "", []stanza.Item{it})); size > maxAnswer {
			break
		}
	}
	from := 0
	if last {
		from = all - n
	}
	list = list[from : from+n]
	b := stanza.AppendDiscoItems(nil, node, list)
	if n == all {
		return b
	}
	w := &writer{b[:len(b)-len("</query>")]}
	w.part([]string{list[0].Node + list[0].Name, list[n-1].Node + list[n-1].Name}, from, all)
	w.close("query")
	return w.b
}
