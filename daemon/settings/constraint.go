package settings

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"quorate.org/daemon/jid"
)

var (
	fileNames   = regexp.MustCompile(`^[A-Za-z0-9_-]+\.(key|csr|cer|crt|pem|der|pfx|p12)$`)
	bridgeNames = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)
	letters     = regexp.MustCompile(`^[a-d]$`)
)

// maxSecret bounds a shared secret, in bytes.
const maxSecret = 256

func domain(value any) error {
	s := value.(string)
	if s == "" {
		return nil
	}
	j, err := jid.New("", s, "")
	if err != nil || strings.HasPrefix(s, "[") {
		return fmt.Errorf("%q is not a domain name", s)
	}
	if j.Domain() != s {
		return fmt.Errorf("%q must be written %q", s, j.Domain())
	}
	return nil
}

func archived(value any) error {
	if s := value.(string); s != "always" && s != "roster" && s != "never" {
		return fmt.Errorf("%q is none of always, roster and never", s)
	}
	return nil
}

func fileName(value any) error {
	if s := value.(string); s != "" && !fileNames.MatchString(s) {
		return fmt.Errorf("%q is not a file name of the store: letters, digits, - and _ with .key .csr .cer .crt .pem .der .pfx or .p12", s)
	}
	return nil
}

// bridgeName checks a call bridge's name; without one there is no link.
func bridgeName(value any) error {
	switch s := value.(string); {
	case s == "" || bridgeNames.MatchString(s):
		return nil
	case strings.Contains(s, "."):
		return fmt.Errorf("%q has a dot; the domain is added by itself", s)
	default:
		return fmt.Errorf("%q must be 1 to 63 letters, digits, - or _", s)
	}
}

func secretText(value any) error {
	if len(value.(string)) > maxSecret {
		return fmt.Errorf("must not be longer than %d bytes", maxSecret)
	}
	return nil
}

// hostPort checks a host name or address with or without a port.
func hostPort(value any) error {
	s := value.(string)
	if s == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), "5223"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("%q is not a port of %q: 1 to 65535", port, s)
	}
	if _, err := netip.ParseAddr(host); err != nil && domain(host) != nil || host == "" {
		return fmt.Errorf("%q is neither a host name nor an IP address", host)
	}
	return nil
}

func listen(value any) error {
	list := value.([]string)
	for i, s := range list {
		if _, err := netip.ParseAddr(s); err != nil && !letters.MatchString(s) {
			return fmt.Errorf("%q is neither an interface letter a to d nor an IP address", s)
		}
		if slices.Contains(list[:i], s) {
			return fmt.Errorf("%q is there twice", s)
		}
	}
	return nil
}

func interfaceLetters(value any) error {
	seen := make(map[string]bool)
	for _, s := range value.([]string) {
		letter, mac, _ := strings.Cut(s, "=")
		if hw, err := net.ParseMAC(mac); err != nil || len(hw) != 6 || !letters.MatchString(letter) {
			return fmt.Errorf(`%q does not have the form "a=52:54:00:12:34:56" with a letter a to d`, s)
		}
		if seen[letter] {
			return fmt.Errorf("the letter %s is bound twice", letter)
		}
		seen[letter] = true
	}
	return nil
}

// bridges checks entries whose fields are known to be text.
func bridges(value any) error {
	seen := make(map[string]bool)
	for i, m := range value.([]map[string]any) {
		name, _ := m["name"].(string)
		secret, _ := m["secret"].(string)
		folded := strings.ToLower(name)
		switch {
		case strings.Contains(name, "."):
			return at(i, "name", "%q has a dot; the domain is added by itself", name)
		case !bridgeNames.MatchString(name):
			return at(i, "name", "%q must be 1 to 63 letters, digits, - or _", name)
		case seen[folded]:
			return at(i, "name", "%q is there twice", name)
		case secret == "":
			return at(i, "secret", "must not be empty")
		case len(secret) > maxSecret:
			return at(i, "secret", "must not be longer than %d bytes", maxSecret)
		}
		seen[folded] = true
	}
	return nil
}

// entryError places an error within a list of tables.
type entryError struct {
	where  string // "[1].secret"
	reason string
}

func (e *entryError) Error() string { return e.reason }

func at(i int, field, format string, args ...any) error {
	return &entryError{fmt.Sprintf("[%d].%s", i, field), fmt.Sprintf(format, args...)}
}
