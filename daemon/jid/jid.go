package jid

import (
	"errors"
	"fmt"
	"strings"
)

// MaxPart is the longest localpart, domainpart or resourcepart in bytes, after
// preparation (RFC 7622 §3.1).
const MaxPart = 1023

// maxRaw bounds what is looked at before preparation: no part shrinks by more
// than a factor of three (full-width forms are three bytes for one), so what is
// longer can not become valid.
const maxRaw = 3*(3*MaxPart) + 2

// ErrMalformed is wrapped by every error of this package: the stanza error for
// it is <jid-malformed/> (RFC 6120 §8.3.3.8).
var ErrMalformed = errors.New("malformed JID")

// JID is a prepared XMPP address. Two JIDs are the same address exactly when
// they are == (RFC 7622 §3.2.3, §3.3, §3.4 compare octet for octet after
// preparation). The zero JID is no address; see IsZero.
type JID struct {
	s      string // local@domain/resource, prepared
	local  uint16 // length of the localpart, 0 if there is none
	domain uint16 // length of the domainpart
}

// Parse splits and prepares s. Errors wrap ErrMalformed.
func Parse(s string) (JID, error) {
	local, domain, resource, err := split(s)
	if err != nil {
		return JID{}, err
	}
	if simple(local, domain, resource) {
		return JID{s: s, local: uint16(len(local)), domain: uint16(len(domain))}, nil
	}
	return prepare(local, domain, resource)
}

// ParseBytes is Parse for bytes; it copies b.
func ParseBytes(b []byte) (JID, error) {
	if len(b) > maxRaw {
		return JID{}, fmt.Errorf("%w: %d bytes", ErrMalformed, len(b))
	}
	return Parse(string(b))
}

// New prepares and joins the parts; local and resource may be empty. Errors
// wrap ErrMalformed.
func New(local, domain, resource string) (JID, error) {
	return prepare(local, domain, resource)
}

// MustParse is Parse for constants in programs and tests; it panics on an error.
func MustParse(s string) JID {
	j, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return j
}

// split cuts before any preparation, first at the first '/', then at the first
// '@' in front of it (RFC 7622 §3.1, §3.2).
func split(s string) (local, domain, resource string, err error) {
	if len(s) > maxRaw {
		return "", "", "", fmt.Errorf("%w: %d bytes", ErrMalformed, len(s))
	}
	domain = s
	if i := strings.IndexByte(domain, '/'); i >= 0 {
		domain, resource = domain[:i], domain[i+1:]
		if resource == "" {
			return "", "", "", fmt.Errorf("%w: empty resourcepart", ErrMalformed)
		}
	}
	if i := strings.IndexByte(domain, '@'); i >= 0 {
		local, domain = domain[:i], domain[i+1:]
		if local == "" {
			return "", "", "", fmt.Errorf("%w: empty localpart", ErrMalformed)
		}
	}
	return local, domain, resource, nil
}

// join builds the JID of parts that are prepared and within bounds.
func join(local, domain, resource string) JID {
	var b strings.Builder
	b.Grow(len(local) + len(domain) + len(resource) + 2)
	if local != "" {
		b.WriteString(local)
		b.WriteByte('@')
	}
	b.WriteString(domain)
	if resource != "" {
		b.WriteByte('/')
		b.WriteString(resource)
	}
	return JID{s: b.String(), local: uint16(len(local)), domain: uint16(len(domain))}
}

// domainStart is the offset of the domainpart in j.s.
func (j JID) domainStart() int {
	if j.local == 0 {
		return 0
	}
	return int(j.local) + 1
}

// bareLen is the length of the bare JID in j.s.
func (j JID) bareLen() int { return j.domainStart() + int(j.domain) }

// Local returns the localpart, "" if there is none.
func (j JID) Local() string { return j.s[:j.local] }

// Domain returns the domainpart; it is empty only in the zero JID.
func (j JID) Domain() string { return j.s[j.domainStart():j.bareLen()] }

// Resource returns the resourcepart, "" if there is none.
func (j JID) Resource() string {
	if j.IsBare() {
		return ""
	}
	return j.s[j.bareLen()+1:]
}

// String returns the prepared address; "" for the zero JID. It does not
// allocate.
func (j JID) String() string { return j.s }

// AppendTo appends the prepared address to dst. It is not escaped for XML: a
// resourcepart may hold any of < > & ' and ".
func (j JID) AppendTo(dst []byte) []byte { return append(dst, j.s...) }

// IsZero reports whether j is the zero JID.
func (j JID) IsZero() bool { return j.s == "" }

// IsBare reports whether j has no resourcepart.
func (j JID) IsBare() bool { return len(j.s) == j.bareLen() }

// Bare returns j without its resourcepart. It does not allocate.
func (j JID) Bare() JID {
	j.s = j.s[:j.bareLen()]
	return j
}

// Host returns j's domainpart as a JID of its own. It does not allocate.
func (j JID) Host() JID { return JID{s: j.Domain(), domain: j.domain} }

// WithResource returns the bare JID of j with resource r, which must not be
// empty. Errors wrap ErrMalformed; the zero JID can not have a resourcepart.
func (j JID) WithResource(r string) (JID, error) {
	if j.IsZero() {
		return JID{}, fmt.Errorf("%w: empty domainpart", ErrMalformed)
	}
	if r == "" {
		return JID{}, fmt.Errorf("%w: empty resourcepart", ErrMalformed)
	}
	r, err := prepareResource(r)
	if err != nil {
		return JID{}, err
	}
	return join(j.Local(), j.Domain(), r), nil
}

// MarshalText returns the prepared address, so that JSON and maps hold it as a
// string.
func (j JID) MarshalText() ([]byte, error) { return []byte(j.s), nil }

// UnmarshalText is ParseBytes, except that empty text is the zero JID.
func (j *JID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*j = JID{}
		return nil
	}
	got, err := ParseBytes(b)
	if err != nil {
		return err
	}
	*j = got
	return nil
}
