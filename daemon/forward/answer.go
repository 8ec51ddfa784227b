package forward

import (
	"bytes"
	"sync"
	"time"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/pep"
	"quorate.org/daemon/router"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// Facts is the replicated configuration as routing needs it. Its methods are
// called under the node's lock and must only read a published snapshot.
type Facts interface {
	Domain() string
	Serves(domain string) bool
	CallBridge(name string) bool
	CallBridges() []string
}

// scanners are lent to read stanzas that stand alone.
var scanners = sync.Pool{New: func() any { return xmlwire.NewScanner(xmlwire.Limits{Stanza: 1 << 30}) }}

var alone = []byte(`<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`)

// read scans one stanza that stands alone and lends its header to use.
func read(raw []byte, use func(h *xmlwire.Header)) bool {
	s := scanners.Get().(*xmlwire.Scanner)
	defer scanners.Put(s)
	s.Restart()
	if ev, _, err := s.Next(alone); err != nil || ev.Kind != xmlwire.StreamOpen {
		return false
	}
	ev, _, err := s.Next(raw)
	if err != nil || ev.Kind != xmlwire.Stanza {
		return false
	}
	use(ev.Header)
	return true
}

func classOf(raw []byte) (c router.Class, ok bool) {
	read(raw, func(h *xmlwire.Header) { c, ok = router.ClassOf(h.Name, h.Type.Value) })
	return c, ok
}

// rules gives the leader machine the configuration, the store and the answers.
func (n *Node) rules() *router.Rules {
	facts := n.facts
	server := server{facts, n.began, n.version}
	r := &router.Rules{
		Serves: func(domain []byte) bool { return facts.Serves(string(domain)) },
		Component: func(domain []byte) bool {
			name, ok := bytes.CutSuffix(domain, []byte("."+facts.Domain()))
			return ok && facts.CallBridge(string(name))
		},
		Answer: func(f *router.Frame) []byte { return answer(server, f, isOwn) },
		About:  func(f *router.Frame) []byte { return answer(server, f, anyone) },
		Error: func(f *router.Frame, c router.Condition) (raw, to []byte) {
			return errorFor(facts, f, stanza.Condition(c), "")
		},
	}
	r.Limits, r.Reached, r.Queues, r.Frames = n.account, n.countLimit, n.limits.Queues, n.limits.Frames
	if n.store != nil {
		r.State, r.Propose, r.Archive = n.store.State, n.propose, n.store.Archive
		r.Policy = func() archive.Policy { return *n.policy.Load() }
		r.Wall = wall
	}
	return r
}

// errorFor builds the error that answers f, from whom f was for.
func errorFor(facts Facts, f *router.Frame, c stanza.Condition, text string) (raw, to []byte) {
	read(f.Raw, func(h *xmlwire.Header) {
		from := ""
		if !h.To.Present() {
			from = home(facts, h)
		}
		raw = stanza.AppendError(nil, f.Raw, h, from, "", c.Type(), c, text)
		if j, err := parseAttr(h.From); err == nil {
			to = j.AppendTo(nil)
		}
	})
	if len(raw) == 0 {
		return nil, nil
	}
	return raw, to
}

// home is the domain that answers a stanza without recipient: its sender's.
func home(facts Facts, h *xmlwire.Header) string {
	if j, err := parseAttr(h.From); err == nil && facts.Serves(j.Domain()) {
		return j.Domain()
	}
	return facts.Domain()
}

// The namespaces the server itself answers.
const (
	nsPing      = "urn:xmpp:ping"
	nsDiscoInfo = "http://jabber.org/protocol/disco#info"
	nsDiscoItem = "http://jabber.org/protocol/disco#items"
	nsTime      = "urn:xmpp:time"
	nsVersion   = "jabber:iq:version"
)

// server is what answers for itself know.
type server struct {
	Facts
	began   time.Time
	version string
}

// asker judges who may ask about an account.
type asker func(f *router.Frame, h *xmlwire.Header) bool

func anyone(*router.Frame, *xmlwire.Header) bool { return true }

// answer replies to an IQ for the server or, on their behalf, for an account that
// the sender may ask about, mostly their own; nil where there is nothing to say (RFC 6121 §8.5.2.1.3).
func answer(facts server, f *router.Frame, may asker) (raw []byte) {
	read(f.Raw, func(h *xmlwire.Header) {
		if nowhere(facts, f, h) { // XEP-0030 §3.2
			raw = stanza.AppendError(nil, f.Raw, h, "", "", "", stanza.ItemNotFound, "")
			return
		}
		payload, ok := payloadFor(facts, f, h, may)
		if !ok {
			return
		}
		from := ""
		if !h.To.Present() { // RFC 6120 §10.3.3: on behalf of the account
			if j, err := parseAttr(h.From); err == nil {
				from = j.Bare().String()
			}
		}
		raw = stanza.AppendIQResult(nil, f.Raw, h, from, "", payload)
	})
	return raw
}

// nowhere reports whether a stanza asks the server about one of its nodes; it has
// none.
func nowhere(facts server, f *router.Frame, h *xmlwire.Header) bool {
	return f.Class == router.IQGet && isServer(facts, f.To) && stanza.DiscoNode(f.Raw, h) != "" &&
		(string(h.ChildSpace) == nsDiscoInfo || string(h.ChildSpace) == nsDiscoItem)
}

func payloadFor(facts server, f *router.Frame, h *xmlwire.Header, may asker) (payload []byte, ok bool) {
	if f.Class != router.IQGet {
		return nil, false
	}
	own := isServer(facts, f.To)
	if !own && !may(f, h) {
		return nil, false // never tell others about an account
	}
	switch string(h.ChildSpace) {
	case nsPing: // XEP-0199 §4.2
		return nil, true
	case nsTime: // XEP-0202 §2
		payload = append(payload, "<time xmlns='"+nsTime+"'><tzo>+00:00</tzo><utc>"...)
		payload = time.Now().UTC().AppendFormat(payload, time.RFC3339) // XEP-0082 §3.2
		return append(payload, "</utc></time>"...), true
	case nsVersion: // XEP-0092 §2
		return facts.appendVersion(nil), own
	case im.NSLast: // XEP-0012 §5: how long this node is up, which answers as the server now
		return im.AppendLast(nil, time.Since(facts.began).Milliseconds(), ""), own
	case nsDiscoInfo: // XEP-0030 §3.1
		if stanza.DiscoNode(f.Raw, h) != "" {
			return nil, false
		}
		ids := []stanza.Identity{{Category: "server", Type: "im", Name: "Quorate"}}
		if !own { // XEP-0163 §6.1
			ids = []stanza.Identity{{Category: "account", Type: "registered"}, {Category: "pubsub", Type: "pep"}}
		}
		return stanza.AppendDiscoInfo(nil, "", ids, disco(own)), true
	case nsDiscoItem:
		if stanza.DiscoNode(f.Raw, h) != "" {
			return nil, false
		}
		var items []stanza.Item
		if string(f.To) == facts.Domain() { // the call bridges are in that one
			for _, name := range facts.CallBridges() {
				items = append(items, stanza.Item{JID: name + "." + facts.Domain(), Name: name})
			}
		}
		return stanza.AppendDiscoItems(nil, "", items), true
	}
	return nil, false
}

// appendVersion leaves out the operating system, which helps attackers (XEP-0092 §4).
func (s server) appendVersion(dst []byte) []byte {
	dst = append(dst, "<query xmlns='"+nsVersion+"'><name>Quorate</name><version>"...)
	dst = xmlwire.AppendEscaped(dst, s.version)
	return append(dst, "</version></query>"...)
}

// disco is the features of the server or of the sender's account.
func disco(own bool) []string {
	list := []string{nsDiscoInfo, nsDiscoItem, nsPing, im.NSLast, nsTime}
	if own {
		return append(list, nsVersion, "msgoffline", im.NSCarbons, im.NSBlocking, im.NSVCard) // XEP-0160 §5, XEP-0280 §3, XEP-0191 §3.1, XEP-0054 §4
	}
	list = append(list, archive.NS, archive.NSExtended, archive.NSIDs, pep.NSConversion, im.NSPush) // XEP-0313 §7, XEP-0359 §4, XEP-0357 §4.1
	return append(list, pep.Features()...)
}

func isServer(facts Facts, to []byte) bool { return facts.Serves(string(to)) }

// isOwn reports whether a stanza names no recipient, or the sender's account.
func isOwn(f *router.Frame, h *xmlwire.Header) bool {
	if len(f.To) == 0 {
		return true
	}
	from, err := parseAttr(h.From)
	if err != nil {
		return false
	}
	to, err := jid.ParseBytes(f.To)
	return err == nil && to == from.Bare()
}
