package settings

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"
)

// convert brings a value as a TOML reader or the bus delivers it into the form
// Raw holds. It takes only the key's own type: text is not a number.
func (k *Key) convert(in any) (any, error) {
	switch k.Type {
	case Bool:
		if b, ok := in.(bool); ok {
			return b, nil
		}
		return nil, wrongType("true or false", in)
	case Int:
		return k.integer(in)
	case Size:
		return k.size(in)
	case Duration:
		return k.duration(in)
	case Text:
		if s, ok := in.(string); ok {
			return s, nil
		}
		return nil, wrongType(`text in quotes`, in)
	case Bridges:
		return tables(in, "name", "secret")
	}
	return list(in)
}

func (k *Key) integer(in any) (any, error) {
	n, ok := whole(in)
	if !ok {
		return nil, wrongType("a whole number", in)
	}
	if n < k.Min || n > k.Max {
		return nil, fmt.Errorf("%d is not between %d and %d", n, k.Min, k.Max)
	}
	return n, nil
}

func (k *Key) size(in any) (any, error) {
	n, ok := whole(in)
	if s, text := in.(string); text {
		n, ok = parseSize(s)
	}
	if !ok {
		return nil, wrongType(`a number of bytes like 262144 or "256KiB"`, in)
	}
	if n < k.Min || n > k.Max {
		return nil, fmt.Errorf("%d is not between %d and %d bytes", n, k.Min, k.Max)
	}
	return n, nil
}

// duration keeps the text in its canonical form, so that equal values compare
// equal.
func (k *Key) duration(in any) (any, error) {
	s, ok := in.(string)
	d, err := time.ParseDuration(s)
	if !ok || err != nil {
		return nil, wrongType(`a duration like "10s" or "250ms"`, in)
	}
	low, high := time.Duration(k.Min)*time.Millisecond, time.Duration(k.Max)*time.Millisecond
	if d < low || d > high {
		return nil, fmt.Errorf("%s is not between %s and %s", s, low, high)
	}
	return d.String(), nil
}

func whole(in any) (int64, bool) {
	switch n := in.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case uint64:
		return int64(n), n <= math.MaxInt64
	}
	return 0, false
}

var units = []struct {
	suffix string
	bytes  int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

func parseSize(s string) (int64, bool) {
	for _, u := range units {
		if digits, ok := strings.CutSuffix(s, u.suffix); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
			return n * u.bytes, err == nil && n >= 0 && n <= math.MaxInt64/u.bytes
		}
	}
	return 0, false
}

func list(in any) (any, error) {
	switch l := in.(type) {
	case []string:
		return append([]string{}, l...), nil
	case []any:
		out := make([]string, len(l))
		for i := range l {
			s, ok := l[i].(string)
			if !ok {
				return nil, wrongType("a list of texts", l[i])
			}
			out[i] = s
		}
		return out, nil
	}
	return nil, wrongType(`a list like ["a", "b"]`, in)
}

// tables converts a list of tables with exactly the named text fields.
func tables(in any, fields ...string) (any, error) {
	var entries []map[string]any
	switch l := in.(type) {
	case []map[string]any:
		entries = l
	case []string: // an empty list has no element type
		if len(l) > 0 {
			return nil, wrongType("a list of tables", in)
		}
	case []any:
		for _, e := range l {
			m, ok := e.(map[string]any)
			if !ok {
				return nil, wrongType("a list of tables", e)
			}
			entries = append(entries, m)
		}
	default:
		return nil, wrongType("a list of tables, each under a [[…]] line", in)
	}
	out := make([]map[string]any, len(entries))
	for i, m := range entries {
		entry, err := table(i, m, fields)
		if err != nil {
			return nil, err
		}
		out[i] = entry
	}
	return out, nil
}

func table(i int, m map[string]any, fields []string) (map[string]any, error) {
	out := make(map[string]any, len(fields))
	for _, f := range fields {
		v, ok := m[f]
		if !ok {
			return nil, at(i, f, "is missing")
		}
		if out[f], ok = v.(string); !ok {
			return nil, at(i, f, "%v", wrongType("text in quotes", v))
		}
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if _, known := out[name]; !known {
			return nil, at(i, name, "unknown key; a table here has %s", strings.Join(fields, " and "))
		}
	}
	return out, nil
}

func wrongType(want string, got any) error {
	return fmt.Errorf("must be %s, not %s", want, describe(got))
}

func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the text %q", v)
	case bool:
		return fmt.Sprintf("%t", v)
	case int64, uint64, int, float64:
		return fmt.Sprintf("the number %v", v)
	case []any, []string, []map[string]any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return fmt.Sprintf("a %T", v)
}
