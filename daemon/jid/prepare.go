package jid

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/secure/precis"
)

// prepare applies the three profiles and the length limits, which hold after
// preparation (RFC 7622 §3.2, §3.3, §3.4).
func prepare(local, domain, resource string) (JID, error) {
	domain, err := prepareDomain(domain)
	if err != nil {
		return JID{}, err
	}
	if local != "" {
		if local, err = prepareLocal(local); err != nil {
			return JID{}, err
		}
	}
	if resource != "" {
		if resource, err = prepareResource(resource); err != nil {
			return JID{}, err
		}
	}
	return join(local, domain, resource), nil
}

// excluded are the characters that XMPP forbids in a localpart beyond its
// PRECIS profile (RFC 7622 §3.3.1).
const excluded = "\"&'/:<>@"

// prepareLocal enforces UsernameCaseMapped (RFC 7622 §3.3). Enforcement is
// repeated on its own result: what it does not leave alone the second time has
// no stable form to compare by.
func prepareLocal(s string) (string, error) {
	if len(s) > 3*MaxPart {
		return "", fmt.Errorf("%w: localpart of %d bytes", ErrMalformed, len(s))
	}
	out, err := enforce(precis.UsernameCaseMapped, s)
	if err != nil {
		return "", fmt.Errorf("%w: localpart: %w", ErrMalformed, err)
	}
	if strings.ContainsAny(out, excluded) {
		return "", fmt.Errorf("%w: localpart has one of %s", ErrMalformed, excluded)
	}
	return out, checkLen("localpart", out)
}

// prepareResource enforces OpaqueString (RFC 7622 §3.4).
func prepareResource(s string) (string, error) {
	if len(s) > 3*MaxPart {
		return "", fmt.Errorf("%w: resourcepart of %d bytes", ErrMalformed, len(s))
	}
	out, err := enforce(precis.OpaqueString, s)
	if err != nil {
		return "", fmt.Errorf("%w: resourcepart: %w", ErrMalformed, err)
	}
	// RFC 7622 §3.5 example 18: a leading space is no resourcepart, although
	// OpaqueString allows it; a trailing one is treated alike.
	if strings.HasPrefix(out, " ") || strings.HasSuffix(out, " ") {
		return "", fmt.Errorf("%w: resourcepart begins or ends with a space", ErrMalformed)
	}
	return out, checkLen("resourcepart", out)
}

// enforce applies p and demands that a second application changes nothing.
// PRECIS replaces invalid UTF-8 silently, so that is refused first.
func enforce(p *precis.Profile, s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", errors.New("invalid UTF-8")
	}
	out, err := p.String(s)
	if err != nil {
		return "", err
	}
	again, err := p.String(out)
	if err != nil {
		return "", err
	}
	if again != out {
		return "", errors.New("no stable form")
	}
	return out, nil
}

// domains maps as RFC 5895 does (case, width, NFC), checks labels by IDNA2008
// and leaves U-labels, as RFC 7622 §3.2.1 demands.
var domains = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(false),
	idna.BidiRule(),
	idna.CheckJoiners(true),
	idna.ValidateLabels(true),
)

// lengths holds A-labels and names to the limits of RFC 1034 §3.1.
var lengths = idna.New(idna.Transitional(false), idna.StrictDomainName(false), idna.VerifyDNSLength(true))

// prepareDomain reads an IP literal, an IPv4 address or a name (RFC 7622 §3.2).
func prepareDomain(s string) (string, error) {
	if len(s) > 3*MaxPart {
		return "", fmt.Errorf("%w: domainpart of %d bytes", ErrMalformed, len(s))
	}
	s = strings.TrimSuffix(s, ".") // RFC 7622 §3.2: before any other step
	if s == "" {
		return "", fmt.Errorf("%w: empty domainpart", ErrMalformed)
	}
	if s[0] == '[' {
		return prepareLiteral(s)
	}
	if simpleDomain(s) {
		return s, nil
	}
	return prepareName(s)
}

// prepareName maps and checks a domain name.
func prepareName(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("%w: domainpart: invalid UTF-8", ErrMalformed)
	}
	out, err := domains.ToUnicode(s)
	if err != nil {
		return "", fmt.Errorf("%w: domainpart: %w", ErrMalformed, err)
	}
	out = strings.TrimSuffix(out, ".") // an ideographic full stop maps to one
	if err := checkLabels(out); err != nil {
		return "", err
	}
	if _, err := lengths.ToASCII(out); err != nil {
		return "", fmt.Errorf("%w: domainpart: %w", ErrMalformed, err)
	}
	return out, checkLen("domainpart", out)
}

// prepareLiteral reads the IPv6 address of an IP-literal (RFC 7622 §3.1, RFC
// 6874) and returns it in the one form of RFC 5952.
func prepareLiteral(s string) (string, error) {
	if !strings.HasSuffix(s, "]") {
		return "", fmt.Errorf("%w: IP literal without ]", ErrMalformed)
	}
	a, err := netip.ParseAddr(s[1 : len(s)-1])
	if err != nil || !a.Is6() {
		return "", fmt.Errorf("%w: %q is not an IPv6 address", ErrMalformed, s)
	}
	if a.Zone() != "" {
		return "", fmt.Errorf("%w: an IPv6 zone means nothing to other hosts", ErrMalformed)
	}
	return "[" + a.String() + "]", nil
}

// checkLabels refuses what no label may hold: StrictDomainName would do it, but
// it also refuses the underscore, which host names in the field do use.
func checkLabels(s string) error {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return fmt.Errorf("%w: domainpart has a bad label %q", ErrMalformed, label)
		}
		for i := 0; i < len(label); i++ {
			if c := label[i]; c < 0x80 && class[c]&domainByte == 0 {
				return fmt.Errorf("%w: domainpart has the character %q", ErrMalformed, c)
			}
		}
	}
	return nil
}

// checkLen holds a prepared part to 1..MaxPart bytes.
func checkLen(part, s string) error {
	if s == "" {
		return fmt.Errorf("%w: empty %s", ErrMalformed, part)
	}
	if len(s) > MaxPart {
		return fmt.Errorf("%w: %s of %d bytes", ErrMalformed, part, len(s))
	}
	return nil
}
