package pep

import (
	"slices"
	"strconv"
	"strings"

	"quorate.org/daemon/im"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// Namespaces (XEP-0060 §17.1).
const (
	NS       = "http://jabber.org/protocol/pubsub"
	NSOwner  = NS + "#owner"
	nsEvent  = NS + "#event"
	nsErrors = NS + "#errors"
)

// Look is what a request wants to see; the zero Look is none.
type Look string

// The looks; the first three are for everybody.
const (
	Items           Look = "items"         // XEP-0060 §6.5
	MySubscriptions Look = "subscriptions" // §5.6
	MyAffiliations  Look = "affiliations"  // §5.7
	Configuration   Look = "configure"     // §8.2
	Defaults        Look = "default"       // §8.3
	Subscribers     Look = "subscribers"   // §8.8.1
	Affiliations    Look = "affiliated"    // §8.9.1
)

// Request is what an IQ asks a service for: a change, or a look at Node.
type Request struct {
	Change
	Look   Look
	Max    int      // with Items: so many of the newest; 0 for no bound
	First  bool     // with Items: from the beginning, not the newest
	Paged  bool     // with Items: the answer tells which part it is, even if it is all
	Count  bool     // with Items: none of them, only how many there are
	IDs    []string // with Items: these; none for all
	After  string   // with Items: behind this one; "" for none
	Before string   // with Items: before this one; "" for none
	Notify bool     // with Retract: tell the subscribers whatever the node is set to
}

// Context is what reading a request needs to know beside it.
type Context struct {
	Sender string    // bare address
	ID     string    // the name of what has none: an item, or a node
	Time   int64     // Unix milliseconds
	Limits im.Limits // zero fields take im.DefaultLimits
}

func bad(detail string) *Refusal { return &Refusal{Condition: stanza.BadRequest, Detail: detail} }

func unsupported(feature string) *Refusal {
	return &Refusal{Condition: stanza.FeatureNotImplemented, Detail: "unsupported", Feature: feature}
}

// Read reads the request in the IQ raw, or tells how it breaks the rules.
func Read(raw []byte, x Context) (q Request, r *Refusal) {
	x.Limits = x.Limits.OrDefault()
	iq := xmlwire.Look(raw, nil)
	set := iq.Get("type").Is("set")
	for payload := range iq.Children() {
		list := slices.Collect(payload.Children())
		if len(list) == 0 {
			return q, bad("")
		}
		q.Node = list[0].Get("node").String()
		if len(q.Node) > MaxName {
			return q, &Refusal{Condition: stanza.NotAcceptable}
		}
		key := string(list[0].Name)
		if payload.Is(NSOwner, "pubsub") {
			key = "owner/" + key
		}
		read := readers[reader{key, set}]
		if read == nil {
			return q, bad("")
		}
		return q, read(&q, list[0], list[1:], x)
	}
	return q, bad("")
}

type reader struct {
	element string
	set     bool
}

// readers read a request by its element and whether it is a set.
var readers = map[reader]func(q *Request, v xmlwire.View, more []xmlwire.View, x Context) *Refusal{
	{"items", false}:               (*Request).items,
	{"subscriptions", false}:       look(MySubscriptions, false),
	{"affiliations", false}:        look(MyAffiliations, false),
	{"owner/configure", false}:     look(Configuration, true),
	{"owner/default", false}:       look(Defaults, false),
	{"owner/subscriptions", false}: look(Subscribers, true),
	{"owner/affiliations", false}:  look(Affiliations, true),
	{"default", false}:             refuse(unsupported("retrieve-default-sub")),
	{"options", false}:             refuse(unsupported("subscription-options")), // §6.3.4.6
	{"options", true}:              refuse(unsupported("subscription-options")),
	{"publish", true}:              (*Request).publish,
	{"retract", true}:              (*Request).retract,
	{"create", true}:               (*Request).create,
	{"subscribe", true}:            (*Request).subscriber,
	{"unsubscribe", true}:          (*Request).subscriber,
	{"owner/configure", true}:      (*Request).configure,
	{"owner/delete", true}:         act(Delete),
	{"owner/purge", true}:          act(Purge),
	{"owner/affiliations", true}:   (*Request).peers,
	{"owner/subscriptions", true}:  (*Request).peers,
}

func look(l Look, named bool) func(*Request, xmlwire.View, []xmlwire.View, Context) *Refusal {
	return func(q *Request, _ xmlwire.View, _ []xmlwire.View, _ Context) *Refusal {
		q.Look = l
		if named {
			return q.named()
		}
		return nil
	}
}

func refuse(r *Refusal) func(*Request, xmlwire.View, []xmlwire.View, Context) *Refusal {
	return func(*Request, xmlwire.View, []xmlwire.View, Context) *Refusal { return r }
}

func act(a Act) func(*Request, xmlwire.View, []xmlwire.View, Context) *Refusal {
	return func(q *Request, _ xmlwire.View, _ []xmlwire.View, _ Context) *Refusal {
		q.Act = a
		return q.named()
	}
}

// named refuses a request without a node (§7.2.3.3, §8.2.3.3).
func (q *Request) named() *Refusal {
	if q.Node == "" {
		return bad("nodeid-required")
	}
	return nil
}

func (q *Request) items(v xmlwire.View, more []xmlwire.View, _ Context) *Refusal {
	q.Look = Items
	if a := v.Get("max_items"); a.Present() {
		n, err := strconv.Atoi(a.String())
		if err != nil || n < 1 {
			return bad("")
		}
		q.Max = n
	}
	q.IDs = ids(v)
	for _, m := range more {
		if m.Is(nsRSM, "set") {
			return cmpRefusal(q.set(m), q.named())
		}
	}
	return q.named()
}

func ids(v xmlwire.View) (list []string) {
	for c := range v.Children() {
		if string(c.Name) == "item" && c.Get("id").Present() {
			list = append(list, c.Get("id").String())
		}
	}
	return list
}

// publish reads one item with one payload (§7.1.3.6), and what the publisher
// expects of the node (§7.1.5).
func (q *Request) publish(v xmlwire.View, more []xmlwire.View, x Context) *Refusal {
	q.Act = Publish
	items := slices.Collect(v.Children())
	switch {
	case len(items) == 0:
		return bad("item-required")
	case len(items) > 1:
		return bad("invalid-payload")
	}
	q.Item = Item{ID: items[0].Get("id").String(), Time: x.Time}
	if q.Item.ID == "" { // §7.1.2
		q.Item.ID = x.ID
	}
	payload := slices.Collect(items[0].Children())
	switch {
	case len(payload) == 0:
		return bad("payload-required")
	case len(payload) > 1:
		return bad("invalid-payload")
	}
	q.Item.Raw = payload[0].Alone()
	switch big := (Refusal{Condition: stanza.NotAcceptable, Detail: "payload-too-big"}); { // §7.1.3.5
	case len(q.Item.ID) > MaxName:
		return &big
	case len(q.Item.Raw) > x.Limits.Payload:
		big.Limit = im.LimitPayload
		return &big
	}
	for _, m := range more {
		if m.Is(NS, "publish-options") {
			return cmpRefusal(q.options(m, publishOptions), q.named())
		}
	}
	return q.named()
}

func cmpRefusal(list ...*Refusal) *Refusal {
	for _, r := range list {
		if r != nil {
			return r
		}
	}
	return nil
}

// options reads the form in an element.
func (q *Request) options(v xmlwire.View, about string) *Refusal {
	f, ok := stanza.ReadForm(v)
	switch {
	case !ok:
		return nil
	case f.Type != "submit" || f.About != about && f.About != "": // XEP-0068 §3.1
		return bad("")
	}
	q.Options = f.Fields
	return nil
}

func (q *Request) retract(v xmlwire.View, _ []xmlwire.View, _ Context) *Refusal {
	q.Act, q.Items = Retract, ids(v)
	n := v.Get("notify")
	q.Notify = n.Is("1") || n.Is("true")
	if len(q.Items) == 0 { // §7.2.3.4
		return bad("item-required")
	}
	return q.named()
}

// create reads a request for a node, which may leave its name to the service
// (§8.1.2).
func (q *Request) create(_ xmlwire.View, more []xmlwire.View, x Context) *Refusal {
	q.Act = Create
	if q.Node == "" {
		q.Node = x.ID
	}
	for _, m := range more {
		if m.Is(NS, "configure") {
			return q.options(m, nodeConfig)
		}
	}
	return nil
}

// configure reads a new configuration, or that all stays as it is (§8.2.4).
func (q *Request) configure(v xmlwire.View, _ []xmlwire.View, _ Context) *Refusal {
	q.Act = Configure
	if f, ok := stanza.ReadForm(v); ok && f.Type == "cancel" {
		return q.named()
	}
	return cmpRefusal(q.named(), q.options(v, nodeConfig))
}

// subscriber reads who subscribes: the sender, by bare or full address (§6.1.3.1,
// §6.2.3.3).
func (q *Request) subscriber(v xmlwire.View, _ []xmlwire.View, x Context) *Refusal {
	q.Act = Act(v.Name)
	j, err := jid.Parse(v.Get("jid").String())
	switch {
	case err != nil || j.Bare().String() != x.Sender && q.Act == Subscribe:
		return bad("invalid-jid")
	case j.Bare().String() != x.Sender:
		return &Refusal{Condition: stanza.Forbidden}
	}
	q.Subscriber = j.String()
	return q.named()
}

// peers reads a list of affiliations or subscriptions that the owner changes
// (§8.8.2, §8.9.2).
func (q *Request) peers(v xmlwire.View, _ []xmlwire.View, _ Context) *Refusal {
	q.Act, q.Peers = Affiliate, map[string]string{}
	attr := "affiliation"
	if string(v.Name) == "subscriptions" {
		q.Act, attr = Dismiss, "subscription"
	}
	for c := range v.Children() {
		j, err := jid.Parse(c.Get("jid").String())
		if err != nil || len(q.Peers) > maxNamed {
			return bad("")
		}
		addr := j.String()
		if q.Act == Affiliate {
			addr = j.Bare().String()
		}
		q.Peers[addr] = c.Get(attr).String()
	}
	return q.named()
}

// bareOf cuts the resource off a prepared address.
func bareOf(addr string) string {
	bare, _, _ := strings.Cut(addr, "/")
	return bare
}
