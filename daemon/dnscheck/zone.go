package dnscheck

import (
	"fmt"
	"net/netip"
	"strings"
)

// proposedTTL is a day, as the original's documentation has it.
const proposedTTL = 86400

// Escaped writes a name of labels between dots as a zone file takes it
// (RFC 1035 §5.1): what has a meaning there is escaped.
func Escaped(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.':
			b.WriteByte(c)
		case c > ' ' && c < 0x7f:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "\\%03d", c)
		}
	}
	return b.String()
}

// line writes one record with an absolute name, so that it means the same under
// any $ORIGIN and $TTL.
func (r Record) line() string {
	return fmt.Sprintf("%s. %d IN %s %s", r.Name, r.TTL, r.Type, r.Value)
}

// removal is a comment: pasted as it is it does no harm.
func (r Record) removal() string {
	return fmt.Sprintf("; remove: %s. IN %s %s", r.Name, r.Type, r.Value)
}

func srvRecord(name string, priority, weight, port int, target string) Record {
	return Record{Name: name, TTL: proposedTTL, Type: srv, Value: fmt.Sprintf("%d %d %d %s.", priority, weight, port, target)}
}

func addressRecord(name string, addr netip.Addr) Record {
	kind := aaaa
	if addr.Is4() {
		kind = a
	}
	return Record{Name: name, TTL: proposedTTL, Type: kind, Value: addr.String()}
}
