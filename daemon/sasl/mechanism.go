package sasl

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"slices"
	"strings"

	"quorate.org/daemon/jid"
)

// The mechanism names (RFC 5802 §4, RFC 7677 §3, RFC 4422 appendix A).
const (
	ScramSHA1       = "SCRAM-SHA-1"
	ScramSHA1Plus   = "SCRAM-SHA-1-PLUS"
	ScramSHA256     = "SCRAM-SHA-256"
	ScramSHA256Plus = "SCRAM-SHA-256-PLUS"
	External        = "EXTERNAL"
)

// Offer is what one stream offers to choose from.
type Offer struct {
	Binding Binding
	// Proved are the accounts of the domain that the client's certificate proves;
	// with none EXTERNAL is not offered (RFC 6120 §6.3.4).
	Proved []jid.JID
}

// Mechanisms lists what is offered, in the server's order of preference (RFC
// 6120 §6.3.3). With a binding both forms of a mechanism are offered (RFC 5802
// §6). PLAIN is not: it serves a directory that wants passwords, and the
// accounts here are keys.
func (o Offer) Mechanisms() []string {
	var list []string
	if len(o.Proved) > 0 {
		list = append(list, External)
	}
	if len(o.Binding.Types()) > 0 {
		list = append(list, ScramSHA256Plus, ScramSHA1Plus)
	}
	return append(list, ScramSHA256, ScramSHA1)
}

// protection is the attribute "h" of a challenge, by which a client notices that
// the lists of mechanisms and binding types were tampered with (XEP-0474 §4.1).
func protection(h func() hash.Hash, mechanisms, types []string) string {
	sorted := func(list []string) string {
		return strings.Join(slices.Sorted(slices.Values(list)), "\x1e")
	}
	s := sorted(mechanisms)
	if len(types) > 0 {
		s += "\x1f" + sorted(types)
	}
	sum := h()
	sum.Write([]byte(s))
	return base64.StdEncoding.EncodeToString(sum.Sum(nil))
}

// mechanism is what the name of a SCRAM mechanism stands for.
type mechanism struct {
	base string // its name without -PLUS
	hash func() hash.Hash
	keys func(Credentials) Keys
	plus bool
}

func mechanismOf(name string) (mechanism, bool) {
	base, plus := strings.CutSuffix(name, "-PLUS")
	switch base {
	case ScramSHA1:
		return mechanism{base, sha1.New, func(c Credentials) Keys { return c.SHA1 }, plus}, true
	case ScramSHA256:
		return mechanism{base, sha256.New, func(c Credentials) Keys { return c.SHA256 }, plus}, true
	}
	return mechanism{}, false
}
