package settings

import (
	"fmt"
	"strconv"
	"strings"
)

// Mask stands for a secret wherever one would be shown.
const Mask = "********"

// Literal renders a value of the key as TOML on one line.
func (k *Key) Literal(value any) string {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		if k.Type == Size {
			return sizeLiteral(v)
		}
		return strconv.FormatInt(v, 10)
	case string:
		return quote(v)
	case []string:
		items := make([]string, len(v))
		for i := range v {
			items[i] = quote(v[i])
		}
		return "[" + strings.Join(items, ", ") + "]"
	case []map[string]any:
		items := make([]string, len(v))
		for i, m := range v {
			items[i] = fmt.Sprintf("{ name = %s, secret = %s }", quote(m["name"].(string)), quote(m["secret"].(string)))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	panic(fmt.Sprintf("settings: %s holds a %T", k.Name, value))
}

// Shown renders a value for a screen: as TOML, secrets masked. An empty secret
// shows as empty, so that a reader can tell whether one is set.
func (k *Key) Shown(value any) string {
	if text, ok := value.(string); ok && k.Secret && text != "" {
		return quote(Mask)
	}
	entries, ok := value.([]map[string]any)
	if !ok || !k.Secret {
		return k.Literal(value)
	}
	masked := make([]map[string]any, len(entries))
	for i, m := range entries {
		masked[i] = map[string]any{"name": m["name"], "secret": Mask}
	}
	return k.Literal(masked)
}

func sizeLiteral(n int64) string {
	for _, u := range units[:3] {
		if n > 0 && n%u.bytes == 0 {
			return quote(strconv.FormatInt(n/u.bytes, 10) + u.suffix)
		}
	}
	return strconv.FormatInt(n, 10)
}

// quote renders a TOML basic string (TOML 1.0 §String).
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// DropIn renders raw as a file, tables and keys in schema order, under a
// comment. The same raw always gives the same bytes.
func DropIn(comment string, raw Raw) string {
	var b strings.Builder
	for line := range strings.SplitSeq(comment, "\n") {
		b.WriteString("# " + line + "\n")
	}
	section := ""
	for _, k := range schema {
		v, ok := raw[k.Name]
		if !ok {
			continue
		}
		if k.Section() != section {
			section = k.Section()
			fmt.Fprintf(&b, "\n[%s]\n", section)
		}
		fmt.Fprintf(&b, "%s = %s\n", k.Leaf(), k.Literal(v))
	}
	return b.String()
}
