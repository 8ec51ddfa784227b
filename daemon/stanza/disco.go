package stanza

import "quorate.org/daemon/xmlwire"

// Namespaces of the requests a server answers itself.
const (
	NSPing       = "urn:xmpp:ping"                          // XEP-0199 §4
	NSDiscoInfo  = "http://jabber.org/protocol/disco#info"  // XEP-0030 §3
	NSDiscoItems = "http://jabber.org/protocol/disco#items" // XEP-0030 §4
	NSBind       = "urn:ietf:params:xml:ns:xmpp-bind"       // RFC 6120 §7
)

// Identity is what an entity is (XEP-0030 §3.1).
type Identity struct{ Category, Type, Name string } // Name may be ""

// AppendDiscoInfo appends the <query/> of a disco#info result: identities and
// features of the entity, or of one node of it. Use it as the payload of
// AppendIQResult.
func AppendDiscoInfo(dst []byte, node string, ids []Identity, features []string) []byte {
	dst = appendQuery(dst, NSDiscoInfo, node)
	for _, id := range ids {
		dst = append(dst, "<identity"...)
		dst = attrs(dst, "category", id.Category, "type", id.Type, "name", id.Name)
		dst = append(dst, "/>"...)
	}
	for _, f := range features {
		dst = append(dst, "<feature"...)
		dst = attrs(dst, "var", f)
		dst = append(dst, "/>"...)
	}
	return append(dst, "</query>"...)
}

// Item is an entity or a node that belongs to another (XEP-0030 §4).
type Item struct{ JID, Node, Name string } // Node and Name may be ""

// AppendDiscoItems appends the <query/> of a disco#items result.
func AppendDiscoItems(dst []byte, node string, items []Item) []byte {
	dst = appendQuery(dst, NSDiscoItems, node)
	for _, it := range items {
		dst = append(dst, "<item"...)
		dst = attrs(dst, "jid", it.JID, "node", it.Node, "name", it.Name)
		dst = append(dst, "/>"...)
	}
	return append(dst, "</query>"...)
}

// DiscoNode returns the node a disco request asks about (XEP-0030 §3.2), "" if
// it asks about the entity itself.
func DiscoNode(raw []byte, h *xmlwire.Header) string {
	for c := range xmlwire.Look(raw, h).Children() {
		if c.Is(NSDiscoInfo, "query") || c.Is(NSDiscoItems, "query") {
			return c.Get("node").String()
		}
	}
	return ""
}

func appendQuery(dst []byte, space, node string) []byte {
	dst = append(dst, "<query"...)
	dst = attrs(dst, "xmlns", space, "node", node)
	return append(dst, '>')
}

// attrs appends the attributes that are not empty, given as names and values.
func attrs(dst []byte, pairs ...string) []byte {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		dst = append(dst, ' ')
		dst = append(dst, pairs[i]...)
		dst = append(dst, "='"...)
		dst = xmlwire.AppendEscaped(dst, pairs[i+1])
		dst = append(dst, '\'')
	}
	return dst
}
