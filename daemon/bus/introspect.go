package bus

import (
	"slices"
	"strings"
)

const doctype = `<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
`

const standardInterfaces = `  <interface name="org.freedesktop.DBus.Introspectable">
    <method name="Introspect"><arg name="xml" type="s" direction="out"/></method>
  </interface>
  <interface name="org.freedesktop.DBus.Peer">
    <method name="Ping"/>
    <method name="GetMachineId"><arg name="id" type="s" direction="out"/></method>
  </interface>
  <interface name="org.freedesktop.DBus.Properties">
    <method name="Get"><arg name="interface" type="s" direction="in"/><arg name="name" type="s" direction="in"/><arg name="value" type="v" direction="out"/></method>
    <method name="GetAll"><arg name="interface" type="s" direction="in"/><arg name="values" type="a{sv}" direction="out"/></method>
    <method name="Set"><arg name="interface" type="s" direction="in"/><arg name="name" type="s" direction="in"/><arg name="value" type="v" direction="in"/></method>
    <signal name="PropertiesChanged"><arg name="interface" type="s"/><arg name="changed" type="a{sv}"/><arg name="invalidated" type="as"/></signal>
  </interface>
`

// introspection describes an object by its file in config/, or a bare node by
// its children, so that busctl tree and busctl introspect show everything.
func introspection(o *object, children []string) string {
	var b strings.Builder
	b.WriteString(doctype + "<node>\n")
	if o != nil {
		b.WriteString(standardInterfaces + o.rule.body)
	}
	slices.Sort(children)
	for _, c := range slices.Compact(children) {
		b.WriteString(`  <node name="` + c + "\"/>\n")
	}
	b.WriteString("</node>\n")
	return b.String()
}
