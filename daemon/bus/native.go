package bus

import (
	"fmt"

	"github.com/godbus/dbus/v5"
)

// Native turns a{sv} into plain Go values: bool, string, int64, uint64,
// float64, []string, map[string]any and []map[string]any. An integer of any
// width becomes int64 or uint64.
func Native(m map[string]dbus.Variant) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = native(v.Value())
	}
	return out
}

func native(v any) any {
	switch v := v.(type) {
	case dbus.Variant:
		return native(v.Value())
	case byte:
		return uint64(v)
	case uint16:
		return uint64(v)
	case uint32:
		return uint64(v)
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case map[string]dbus.Variant:
		return Native(v)
	case []map[string]dbus.Variant:
		out := make([]map[string]any, len(v))
		for i := range v {
			out[i] = Native(v[i])
		}
		return out
	}
	return v
}

// Variants is the inverse of Native. An int or a []any of strings is taken as
// well; any other type is an error that names the key.
func Variants(m map[string]any) (map[string]dbus.Variant, error) {
	out := make(map[string]dbus.Variant, len(m))
	for k, v := range m {
		w, err := variant(v)
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", k, err)
		}
		out[k] = dbus.MakeVariant(w)
	}
	return out, nil
}

func variant(v any) (any, error) {
	switch v := v.(type) {
	case bool, string, int64, uint64, float64, []string:
		return v, nil
	case int:
		return int64(v), nil
	case map[string]any:
		return Variants(v)
	case []map[string]any:
		out := make([]map[string]dbus.Variant, len(v))
		for i := range v {
			m, err := Variants(v[i])
			if err != nil {
				return nil, err
			}
			out[i] = m
		}
		return out, nil
	case []any:
		out := make([]string, len(v))
		for i := range v {
			s, ok := v[i].(string)
			if !ok {
				return nil, fmt.Errorf("a list holds a %T", v[i])
			}
			out[i] = s
		}
		return out, nil
	}
	return nil, fmt.Errorf("a %T has no D-Bus form", v)
}
