package forward

import (
	"bytes"
	"sync"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/router"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// Facts is the replicated configuration as routing needs it. Its methods are
// called under the node's lock and must only read a published snapshot.
type Facts interface {
	Domain() string
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

// rules gives the leader machine the configuration and the answers.
func rules(facts Facts) *router.Rules {
	return &router.Rules{
		Domain: facts.Domain,
		Component: func(domain []byte) bool {
			name, ok := bytes.CutSuffix(domain, []byte("."+facts.Domain()))
			return ok && facts.CallBridge(string(name))
		},
		Answer: func(f *router.Frame) []byte { return answer(facts, f) },
		Error: func(f *router.Frame, c router.Condition) (raw, to []byte) {
			return errorFor(facts, f, stanza.Condition(c), "")
		},
	}
}

// errorFor builds the error that answers f, from whom f was for.
func errorFor(facts Facts, f *router.Frame, c stanza.Condition, text string) (raw, to []byte) {
	read(f.Raw, func(h *xmlwire.Header) {
		from := ""
		if !h.To.Present() {
			from = facts.Domain()
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

// The namespaces the server itself answers.
const (
	nsPing      = "urn:xmpp:ping"
	nsDiscoInfo = "http://jabber.org/protocol/disco#info"
	nsDiscoItem = "http://jabber.org/protocol/disco#items"
)

// answer replies to an IQ for the server or, on their behalf, for the sender's
// own account; nil where there is nothing to say (RFC 6121 §8.5.2.1.3).
func answer(facts Facts, f *router.Frame) (raw []byte) {
	read(f.Raw, func(h *xmlwire.Header) {
		payload, ok := payloadFor(facts, f, h)
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

func payloadFor(facts Facts, f *router.Frame, h *xmlwire.Header) (payload []byte, ok bool) {
	if f.Class != router.IQGet {
		return nil, false
	}
	server := isServer(facts, f.To)
	if !server && !isOwn(f, h) {
		return nil, false // never tell others about an account
	}
	switch string(h.ChildSpace) {
	case nsPing: // XEP-0199 §4.2
		return nil, true
	case nsDiscoInfo: // XEP-0030 §3.1
		if stanza.DiscoNode(f.Raw, h) != "" {
			return nil, false
		}
		id := stanza.Identity{Category: "server", Type: "im", Name: "Quorate"}
		if !server {
			id = stanza.Identity{Category: "account", Type: "registered"}
		}
		return stanza.AppendDiscoInfo(nil, "", []stanza.Identity{id}, []string{nsDiscoInfo, nsDiscoItem, nsPing}), true
	case nsDiscoItem:
		if stanza.DiscoNode(f.Raw, h) != "" {
			return nil, false
		}
		var items []stanza.Item
		if server {
			for _, name := range facts.CallBridges() {
				items = append(items, stanza.Item{JID: name + "." + facts.Domain(), Name: name})
			}
		}
		return stanza.AppendDiscoItems(nil, "", items), true
	}
	return nil, false
}

func isServer(facts Facts, to []byte) bool { return string(to) == facts.Domain() }

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
