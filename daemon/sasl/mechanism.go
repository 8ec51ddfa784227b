package sasl

import (
	"strings"

	"github.com/xdg-go/scram"
)

// The mechanism names (RFC 5802 §4, RFC 7677 §3).
const (
	ScramSHA1       = "SCRAM-SHA-1"
	ScramSHA1Plus   = "SCRAM-SHA-1-PLUS"
	ScramSHA256     = "SCRAM-SHA-256"
	ScramSHA256Plus = "SCRAM-SHA-256-PLUS"
)

// Mechanisms lists what a server offers on a connection with that channel
// binding, in its order of preference (RFC 6120 §6.3.3). With a binding both
// forms of a mechanism are offered (RFC 5802 §6).
func Mechanisms(b Binding) []string {
	plain := []string{ScramSHA256, ScramSHA1}
	if len(b.Types()) == 0 {
		return plain
	}
	return append([]string{ScramSHA256Plus, ScramSHA1Plus}, plain...)
}

// mechanism is what a name stands for.
type mechanism struct {
	hash scram.HashGeneratorFcn
	keys func(Credentials) Keys
	plus bool
}

func mechanismOf(name string) (mechanism, bool) {
	base, plus := strings.CutSuffix(name, "-PLUS")
	switch base {
	case ScramSHA1:
		return mechanism{scram.SHA1, func(c Credentials) Keys { return c.SHA1 }, plus}, true
	case ScramSHA256:
		return mechanism{scram.SHA256, func(c Credentials) Keys { return c.SHA256 }, plus}, true
	}
	return mechanism{}, false
}
