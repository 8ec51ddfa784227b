package sasl

import (
	"encoding/base64"
	"strings"
)

// clientFirst is a client-first-message taken apart (RFC 5802 §7).
type clientFirst struct {
	header  string // gs2-header, with its commas
	flag    string // n, y or p=<type>
	authzid string
	bare    string // what follows the header
	user    string
	nonce   string
}

func malformed(reason string) error { return &Failure{MalformedRequest, reason} }

func parseFirst(in string) (f clientFirst, err error) {
	fields := strings.SplitN(in, ",", 3)
	if len(fields) < 3 {
		return f, malformed("too few attributes")
	}
	f.flag, f.bare = fields[0], fields[2]
	f.header = in[:len(in)-len(f.bare)]
	if name, bound := strings.CutPrefix(f.flag, "p="); bound && name == "" || !bound && f.flag != "n" && f.flag != "y" {
		return f, malformed("no channel binding flag")
	}
	if fields[1] != "" {
		if f.authzid, err = saslname(fields[1], "a="); err != nil {
			return f, err
		}
	}
	attrs := strings.SplitN(f.bare, ",", 3)
	if len(attrs) < 2 { // a mandatory extension, m=, would stand where the name does
		return f, malformed("too few attributes")
	}
	if f.user, err = saslname(attrs[0], "n="); err != nil {
		return f, err
	}
	f.nonce, err = printable(attrs[1])
	return f, err
}

// saslname reads an attribute whose value has comma and equals sign escaped. An
// empty one is malformed.
func saslname(attr, prefix string) (string, error) {
	value, ok := strings.CutPrefix(attr, prefix)
	if !ok || value == "" || strings.ContainsRune(value, 0) {
		return "", malformed("no attribute " + prefix)
	}
	plain := strings.NewReplacer("=2C", ",", "=3D", "=")
	if strings.Contains(strings.NewReplacer("=2C", "", "=3D", "").Replace(value), "=") {
		return "", malformed("an equals sign that is not escaped")
	}
	return plain.Replace(value), nil
}

// printable reads the nonce, one printable character or more.
func printable(attr string) (string, error) {
	nonce, ok := strings.CutPrefix(attr, "r=")
	strange := func(r rune) bool { return r <= 0x20 || r >= 0x7f }
	if !ok || nonce == "" || strings.ContainsFunc(nonce, strange) {
		return "", malformed("no usable nonce")
	}
	return nonce, nil
}

// clientFinal is a client-final-message taken apart.
type clientFinal struct {
	unproved string // all but the proof
	channel  string // decoded
	nonce    string
	proof    []byte
}

func parseFinal(in string) (f clientFinal, err error) {
	at := strings.LastIndex(in, ",p=")
	if at < 0 {
		return f, malformed("no proof")
	}
	f.unproved = in[:at]
	if f.proof, err = decode(in[at+len(",p="):]); err != nil {
		return f, err
	}
	attrs := strings.SplitN(f.unproved, ",", 3)
	channel, ok := strings.CutPrefix(attrs[0], "c=")
	if !ok || len(attrs) < 2 {
		return f, malformed("no channel binding attribute")
	}
	data, err := decode(channel)
	if err != nil {
		return f, err
	}
	f.channel = string(data)
	f.nonce, err = printable(attrs[1])
	return f, err
}

func decode(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return nil, malformed("an attribute is not base64")
	}
	return b, nil
}
