package bus

import (
	"maps"
	"reflect"

	"github.com/godbus/dbus/v5"

	"quorate.org/daemon/fault"
)

// The D-Bus interfaces every object has.
const (
	busName                = "org.freedesktop.DBus"
	propertiesInterface    = "org.freedesktop.DBus.Properties"
	introspectionInterface = "org.freedesktop.DBus.Introspectable"
)

// publish stores properties and tells those that differ with PropertiesChanged.
// Holding the lock while emitting keeps the signals in the order of the values.
func (o *object) publish(properties any) error {
	next := Vardict(properties)
	o.mu.Lock()
	defer o.mu.Unlock()
	changed := make(map[string]dbus.Variant)
	for k, v := range next {
		if !reflect.DeepEqual(o.properties[k].Value(), v.Value()) {
			changed[k] = v
		}
	}
	if len(changed) == 0 {
		return nil
	}
	o.properties = next
	return o.conn.raw.Emit(dbus.ObjectPath(o.path), propertiesInterface+".PropertiesChanged", o.rule.name, changed, []string{})
}

func (o *object) snapshot() map[string]dbus.Variant {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.properties)
}

// propertyRules are the methods of org.freedesktop.DBus.Properties.
var propertyRules = map[string]methodRule{
	"Get":    {name: "Get", access: accessRead, in: "ss", out: "v"},
	"GetAll": {name: "GetAll", access: accessRead, in: "s", out: "a{sv}"},
	"Set":    {name: "Set", access: accessRead, in: "ssv"},
}

func (o *object) property(who Caller, method string, args []any) ([]any, error) {
	if !who.Role.may(accessRead) {
		return nil, refusal(who, accessRead)
	}
	if iface := args[0].(string); iface != o.rule.name && iface != "" {
		return nil, dbus.NewError(busName+".Error.UnknownInterface", []any{"no interface " + iface})
	}
	switch method {
	case "GetAll":
		return []any{o.snapshot()}, nil
	case "Get":
		v, ok := o.snapshot()[args[1].(string)]
		if !ok {
			return nil, dbus.NewError(busName+".Error.UnknownProperty", []any{"no property " + args[1].(string)})
		}
		return []any{v}, nil
	}
	return nil, dbus.NewError(busName+".Error.PropertyReadOnly", []any{fault.New(fault.WrongState, "every property is read-only").Message})
}
