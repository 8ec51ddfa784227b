package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"quorate.org/daemon/fault"
)

// Attributes are what `pki csr` and `pki selfsigned` take behind the name.
type Attributes struct {
	Subject   pkix.Name
	DNSNames  []string // the common name first, when it is a host or domain name
	Addresses []net.IP
	Algorithm Algorithm // key:…, for a key that has to be made
}

// AttributeNames are the accepted attribute names, as an administrator types them.
var AttributeNames = []string{"CN", "OU", "O", "L", "ST", "C", "emailAddress", "subjectAltName", "key"}

// upperBounds are the lengths of RFC 5280 appendix A.1, in characters
// (ub-common-name and so on); names in subjectAltName have their own rules.
var upperBounds = map[string]int{
	"cn": 64, "ou": 64, "o": 64, "l": 128, "st": 128, "emailaddress": 255,
}

const (
	maxNames      = 100
	maxAttributes = 32
)

// emailOID is PKCS #9 emailAddress (RFC 2985 §5.2.1).
var emailOID = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}

// ParseAttributes reads `CN:x OU:… O:… L:… ST:… C:… emailAddress:…
// subjectAltName:a,b key:rsa2048`, one element for each; names are compared
// without case. The common name joins the alternative names.
func ParseAttributes(attrs []string) (*Attributes, error) {
	a, seen := &Attributes{}, map[string]bool{}
	if len(attrs) > maxAttributes {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("more than %d attributes", maxAttributes))
	}
	for _, attr := range attrs {
		name, value, ok := strings.Cut(attr, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !ok || value == "" {
			return nil, fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is not an attribute", attr),
				"write NAME:value with one of "+strings.Join(AttributeNames, " "))
		}
		if seen[name] && name != "ou" {
			return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the attribute %s is given twice", spelled(name)))
		}
		seen[name] = true
		if err := a.set(name, value); err != nil {
			return nil, err
		}
	}
	return a, a.joinCommonName()
}

func (a *Attributes) set(name, value string) error {
	if err := checkText(name, value); err != nil {
		return err
	}
	switch name {
	case "cn":
		a.Subject.CommonName = value
	case "ou":
		a.Subject.OrganizationalUnit = append(a.Subject.OrganizationalUnit, value)
	case "o":
		a.Subject.Organization = []string{value}
	case "l":
		a.Subject.Locality = []string{value}
	case "st":
		a.Subject.Province = []string{value}
	case "c":
		return a.setCountry(value)
	case "emailaddress":
		return a.setEmail(value)
	case "subjectaltname":
		return a.addNames(strings.Split(value, ","))
	case "key":
		a.Algorithm = Algorithm(strings.ToLower(value))
	default:
		return fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is not an attribute of a certificate request", name),
			"use one of "+strings.Join(AttributeNames, " "))
	}
	return nil
}

// checkText holds a value to its upper bound and to printable text.
func checkText(name, value string) error {
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("the value of %s is not text", spelled(name)))
	}
	bound, ok := upperBounds[name]
	if !ok || utf8.RuneCountInString(value) <= bound {
		return nil
	}
	remedy := "shorten it"
	if name == "cn" {
		remedy = "put a short name there and the long one into subjectAltName"
	}
	return fault.Mend(fault.InvalidArgument, fmt.Sprintf("the value of %s is longer than %d characters", spelled(name), bound), remedy)
}

// spelled is an attribute's name as the help writes it.
func spelled(name string) string {
	for _, n := range AttributeNames {
		if strings.EqualFold(n, name) {
			return n
		}
	}
	return name
}

func (a *Attributes) setCountry(value string) error {
	value = strings.ToUpper(value)
	if len(value) != 2 || value[0] < 'A' || value[0] > 'Z' || value[1] < 'A' || value[1] > 'Z' {
		return fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is not a country", value), "use its code of two letters, as in C:GB")
	}
	a.Subject.Country = []string{value}
	return nil
}

func (a *Attributes) setEmail(value string) error {
	user, host, _ := strings.Cut(value, "@")
	odd := func(r rune) bool { return r > 0x7e || r <= ' ' } // IA5String
	if user == "" || host == "" || strings.Contains(host, "@") || strings.ContainsFunc(value, odd) {
		return fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is not an e-mail address", value), "write emailAddress:name@host in ASCII")
	}
	a.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{
		Type: emailOID, Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(value)},
	}}
	return nil
}

func (a *Attributes) addNames(list []string) error {
	for _, n := range list {
		if err := a.addName(strings.TrimSpace(n)); err != nil {
			return err
		}
	}
	if len(a.DNSNames)+len(a.Addresses) > maxNames {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("more than %d alternative names", maxNames))
	}
	return nil
}

func (a *Attributes) addName(name string) error {
	if ip := net.ParseIP(name); ip != nil {
		if !slices.ContainsFunc(a.Addresses, ip.Equal) {
			a.Addresses = append(a.Addresses, ip)
		}
		return nil
	}
	ascii, err := hostName(name)
	if err != nil {
		return fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is neither a host name nor an address", name),
			"write subjectAltName:name,name without spaces")
	}
	if !slices.Contains(a.DNSNames, ascii) {
		a.DNSNames = append(a.DNSNames, ascii)
	}
	return nil
}

// joinCommonName puts the common name first among the alternative names, since
// nothing else is looked at (RFC 9525 §2); a common name that is a title in
// words stays in the subject only.
func (a *Attributes) joinCommonName() error {
	cn := a.Subject.CommonName
	if cn == "" {
		return nil
	}
	if _, err := hostName(cn); err != nil && net.ParseIP(cn) == nil {
		return nil
	}
	rest := a.DNSNames
	a.DNSNames = nil
	if err := a.addName(cn); err != nil {
		return err
	}
	return a.addNames(rest)
}

// hostName returns the ASCII form of a DNS name; one leading "*." is allowed.
func hostName(name string) (string, error) {
	bare, wild := strings.CutPrefix(name, "*.")
	ascii, err := idna.Lookup.ToASCII(bare)
	switch {
	case err != nil:
		return "", err
	case ascii == "" || len(ascii) > 253 || !dnsLabels(ascii):
		return "", fmt.Errorf("parsing host name %q", name)
	case wild:
		return "*." + ascii, nil
	}
	return ascii, nil
}

// dnsLabels checks each label for length and characters (RFC 1035 §2.3.1, with
// leading digits by RFC 1123 §2.1).
func dnsLabels(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
				return false
			}
		}
	}
	return true
}
