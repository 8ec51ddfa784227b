package bus

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/godbus/dbus/v5"
)

// Vardict renders a struct (or pointer to one) as a{sv}: one entry per exported
// field under its json name. Integers cross as x (signed) or t (unsigned), a
// nested struct as a{sv}, a slice of structs as aa{sv}. Every field is sent,
// zero or not, so a reader with busctl sees the whole shape. It panics on a
// field kind that has no such form, which is a programmer's error.
func Vardict(v any) map[string]dbus.Variant {
	rv := reflect.Indirect(reflect.ValueOf(v))
	out := make(map[string]dbus.Variant, rv.NumField())
	for i := range rv.NumField() {
		if name, ok := fieldName(rv.Type().Field(i)); ok {
			out[name] = dbus.MakeVariant(toBus(rv.Field(i)))
		}
	}
	return out
}

// Vardicts renders a slice of structs as aa{sv}.
func Vardicts[T any](list []T) []map[string]dbus.Variant {
	out := make([]map[string]dbus.Variant, len(list))
	for i := range list {
		out[i] = Vardict(&list[i])
	}
	return out
}

// FromVardict fills the struct v points to. Keys it does not know are ignored
// and missing ones leave the zero value, so that two versions can talk; a value
// of the wrong type is an error that names the key.
func FromVardict(m map[string]dbus.Variant, v any) error {
	rv := reflect.ValueOf(v).Elem()
	for i := range rv.NumField() {
		name, ok := fieldName(rv.Type().Field(i))
		if !ok {
			continue
		}
		if value, ok := m[name]; ok {
			if err := fromBus(value.Value(), rv.Field(i)); err != nil {
				return fmt.Errorf("reading %s: %w", name, err)
			}
		}
	}
	return nil
}

// FromVardicts is FromVardict over a slice.
func FromVardicts[T any](list []map[string]dbus.Variant) ([]T, error) {
	out := make([]T, len(list))
	for i, m := range list {
		if err := FromVardict(m, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func fieldName(f reflect.StructField) (string, bool) {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if !f.IsExported() || name == "-" {
		return "", false
	}
	if name == "" {
		name = f.Name
	}
	return name, true
}

func toBus(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.String:
		return v.String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.Uint()
	case reflect.Struct:
		return Vardict(v.Interface())
	case reflect.Slice:
		return sliceToBus(v)
	}
	panic("bus: no D-Bus form for " + v.Type().String())
}

func sliceToBus(v reflect.Value) any {
	switch v.Type().Elem().Kind() {
	case reflect.String:
		out := make([]string, v.Len())
		for i := range out {
			out[i] = v.Index(i).String()
		}
		return out
	case reflect.Struct:
		out := make([]map[string]dbus.Variant, v.Len())
		for i := range out {
			out[i] = Vardict(v.Index(i).Interface())
		}
		return out
	}
	panic("bus: no D-Bus form for " + v.Type().String())
}

func fromBus(in any, out reflect.Value) error {
	v := reflect.ValueOf(in)
	switch {
	case !v.IsValid():
	case out.Kind() == reflect.Bool && v.Kind() == reflect.Bool:
		out.SetBool(v.Bool())
		return nil
	case out.Kind() == reflect.String && v.Kind() == reflect.String:
		out.SetString(v.String())
		return nil
	case out.CanInt() && v.CanInt() && !out.OverflowInt(v.Int()):
		out.SetInt(v.Int())
		return nil
	case out.CanUint() && v.CanUint() && !out.OverflowUint(v.Uint()):
		out.SetUint(v.Uint())
		return nil
	case out.Kind() == reflect.Struct:
		if m, ok := in.(map[string]dbus.Variant); ok {
			return FromVardict(m, out.Addr().Interface())
		}
	case out.Kind() == reflect.Slice:
		return sliceFromBus(in, out)
	}
	return fmt.Errorf("a %T does not fit a %s", in, out.Type())
}

func sliceFromBus(in any, out reflect.Value) error {
	v := reflect.ValueOf(in)
	if v.Kind() != reflect.Slice {
		return fmt.Errorf("a %T does not fit a %s", in, out.Type())
	}
	list := reflect.MakeSlice(out.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		if err := fromBus(v.Index(i).Interface(), list.Index(i)); err != nil {
			return err
		}
	}
	if v.Len() > 0 {
		out.Set(list)
	} else {
		out.SetZero()
	}
	return nil
}
