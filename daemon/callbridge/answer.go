package callbridge

import (
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

const nsVersion = "jabber:iq:version" // XEP-0092

var (
	identity = []stanza.Identity{{Category: "component", Type: "generic", Name: product}}
	features = []string{stanza.NSDiscoInfo, stanza.NSDiscoItems, nsVersion, stanza.NSPing}
)

const product = "Quorate Call Bridge"

// responder answers what is asked of a component, without any state.
type responder struct{ self, version string }

// answer appends the answer to an event, nothing where none is due: only
// requests have one (RFC 6120 §8.2.3), and what is not offered is refused
// (§8.4).
func (r responder) answer(dst []byte, ev xmlwire.Event) []byte {
	h := ev.Header
	if string(h.Name) != "iq" || !h.Type.Is("get") && !h.Type.Is("set") {
		return dst
	}
	if payload := r.payload(ev); payload != nil {
		return stanza.AppendIQResult(dst, ev.Raw, h, "", "", payload)
	}
	condition := stanza.ServiceUnavailable
	if h.Children != 1 {
		condition = stanza.BadRequest
	} else if r.offered(ev) && stanza.DiscoNode(ev.Raw, h) != "" {
		condition = stanza.ItemNotFound // XEP-0030 §3.2: no such node
	}
	return stanza.AppendError(dst, ev.Raw, h, "", "", "", condition, "")
}

// offered reports whether the bridge itself is asked for what it is.
func (r responder) offered(ev xmlwire.Event) bool {
	h := ev.Header
	space := string(h.ChildSpace)
	return h.Type.Is("get") && h.To.Is(r.self) && string(h.ChildName) == "query" &&
		(space == stanza.NSDiscoInfo || space == stanza.NSDiscoItems)
}

// payload is what the result holds; nil when the request is not served, empty
// where the result says it all.
func (r responder) payload(ev xmlwire.Event) []byte {
	h := ev.Header
	if !h.Type.Is("get") || !h.To.Is(r.self) || h.Children != 1 {
		return nil
	}
	node := func() string { return stanza.DiscoNode(ev.Raw, h) }
	switch child := string(h.ChildSpace) + " " + string(h.ChildName); {
	case child == stanza.NSPing+" ping":
		return []byte{}
	case child == nsVersion+" query":
		b := append([]byte("<query xmlns='"+nsVersion+"'><name>"+product+"</name><version>"), xmlwire.AppendEscaped(nil, r.version)...)
		return append(b, "</version></query>"...)
	case child == stanza.NSDiscoInfo+" query" && node() == "":
		return stanza.AppendDiscoInfo(nil, "", identity, features)
	case child == stanza.NSDiscoItems+" query" && node() == "":
		return stanza.AppendDiscoItems(nil, "", nil)
	}
	return nil
}
