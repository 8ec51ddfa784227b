package pep

import (
	"crypto"
	_ "crypto/sha1" // what the XEP has every entity support (XEP-0115 §5.1)
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"slices"
	"strings"

	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// NSCaps qualifies entity capabilities (XEP-0115).
const NSCaps = "http://jabber.org/protocol/caps"

// Caps names the capabilities of a client, as its presence says; the zero Caps
// names none.
type Caps struct{ Node, Ver, Hash string }

var hashes = map[string]crypto.Hash{"sha-1": crypto.SHA1, "sha-256": crypto.SHA256, "sha-512": crypto.SHA512}

// CapsOf reads the capabilities in the presence raw. Those by a hash that can not
// be verified count for none (XEP-0115 §5.4: they must not be kept for others).
func CapsOf(raw []byte) Caps {
	c, ok := xmlwire.Look(raw, nil).Child(NSCaps, "c")
	if !ok {
		return Caps{}
	}
	v := Caps{c.Get("node").String(), c.Get("ver").String(), c.Get("hash").String()}
	if _, known := hashes[v.Hash]; !known || v.Ver == "" || len(v.Ver) > 100 || len(v.Node) > MaxName {
		return Caps{}
	}
	return v
}

// Key names the capabilities whoever has them.
func (c Caps) Key() string {
	if c.Ver == "" {
		return ""
	}
	return c.Hash + ":" + c.Ver
}

// Ask appends the request for what they are (XEP-0115 §6.2).
func (c Caps) Ask(dst []byte, from, to, id string) []byte {
	w := &writer{dst}
	w.open("iq", "type", "get", "from", from, "to", to, "id", id)
	w.empty("query", "xmlns", stanza.NSDiscoInfo, "node", c.Node+"#"+c.Ver)
	w.close("iq")
	return w.b
}

// Of how many nodes a client may want to hear, and the bytes of their names together.
const (
	maxWants  = 256
	maxWanted = 4096
)

// Wants reads, in the answer raw, of which nodes a client wants to hear (XEP-0060
// §9.2), as many as are kept. ok is false where it is not what the hash says (XEP-0115
// §5.4).
func (c Caps) Wants(raw []byte) (nodes []string, ok bool) {
	query, ok := xmlwire.Look(raw, nil).Child(stanza.NSDiscoInfo, "query")
	if !ok || c.Ver == "" {
		return nil, false
	}
	text, features, ok := verification(query)
	if !ok {
		return nil, false
	}
	h := hashes[c.Hash].New()
	h.Write([]byte(text))
	if base64.StdEncoding.EncodeToString(h.Sum(nil)) != c.Ver {
		return nil, false
	}
	for _, f := range features {
		if node, ok := strings.CutSuffix(f, "+notify"); ok && len(node) <= MaxName {
			nodes = append(nodes, node)
		}
	}
	return Heeded(nodes), true
}

// Heeded returns as many of the nodes that a client wants to hear of as are kept: the
// first. What clients want is kept for all who have such a client, so no account
// answers for the room that it takes.
func Heeded(nodes []string) []string {
	size := 0
	for i, node := range nodes {
		if size += len(node); i == maxWants || size > maxWanted {
			return slices.Clone(nodes[:i]) // the rest is not kept with them
		}
	}
	return nodes
}

// verification is the string that is hashed (XEP-0115 §5.1), of an answer that is
// well-formed by §5.4.
func verification(query xmlwire.View) (text string, features []string, ok bool) {
	var identities, forms []string
	about := map[string]bool{}
	for c := range query.Children() {
		switch {
		case c.Is(stanza.NSDiscoInfo, "identity"):
			identities = append(identities, strings.Join([]string{c.Get("category").String(), c.Get("type").String(),
				c.Get("xml:lang").String(), c.Get("name").String()}, "/"))
		case c.Is(stanza.NSDiscoInfo, "feature"):
			features = append(features, c.Get("var").String())
		case c.Is(stanza.NSForm, "x"):
			if f := stanza.FormOf(c); f.About != "" && f.Hidden { // §5.4: any other is ignored
				if about[f.About] {
					return "", nil, false
				}
				about[f.About] = true
				parts := extension(f)
				if slices.ContainsFunc(parts, ambiguous) {
					return "", nil, false
				}
				forms = append(forms, strings.Join(parts, "<"))
			}
		}
	}
	if slices.ContainsFunc(identities, ambiguous) || slices.ContainsFunc(features, separated) {
		return "", nil, false
	}
	slices.Sort(features)
	var b strings.Builder
	for _, list := range [][]string{identities, features, forms} {
		slices.Sort(list)
		if len(slices.Compact(slices.Clone(list))) != len(list) {
			return "", nil, false
		}
		for _, e := range list {
			b.WriteString(e + "<")
		}
	}
	return b.String(), features, true
}

// separated reports whether a value has what separates them in the string: then
// another answer makes the same one, and the first to give it would say for all such
// clients what they want (XEP-0115 §9.3).
func separated(value string) bool { return strings.Contains(value, "<") }

// ambiguous reports whether what is no feature may stand for one that matters here.
func ambiguous(value string) bool { return separated(value) || strings.HasSuffix(value, "+notify") }

// extension is what of a form of XEP-0128 is in the string.
func extension(f stanza.Form) []string {
	parts := []string{f.About}
	slices.SortFunc(f.Fields, func(a, b stanza.Field) int { return strings.Compare(a.Var, b.Var) })
	for _, field := range f.Fields {
		parts = append(parts, field.Var)
		parts = append(parts, slices.Sorted(slices.Values(field.Values))...)
	}
	return parts
}
