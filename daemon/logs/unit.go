package logs

import "strings"

// unit is a service of this product: the identifier it logs with and the unit
// systemd runs it in; "" when it runs in a person's session.
type unit struct{ identifier, service string }

var units = []unit{
	{"xmppd", "quorate-xmpp.service"},
	{"callbridged", "quorate-callbridge.service"},
	{"webd", "quorate-web.service"},
	{"signin", ""},
	{"confd", "quorate-config.service"},
	{"certd", "quorate-cert.service"},
	{"firewall", "quorate-firewall.service"},
	{"mmp", ""},
}

// Units lists the names of this product's services to filter by.
func Units() []string {
	names := make([]string, len(units))
	for i, u := range units {
		names[i] = u.identifier
	}
	return names
}

// unitOf returns the unit of that name, which may be of the system.
func unitOf(name string) unit {
	for _, u := range units {
		if name == u.identifier || u.service != "" && name == strings.TrimSuffix(u.service, ".service") || name == u.service {
			return u
		}
	}
	if strings.Contains(name, ".") {
		return unit{name, name}
	}
	return unit{name, name + ".service"}
}

// matches selects what a unit logged, and what systemd said of it. A process
// outside systemd has no unit, so its identifier selects it too; "+" is journalctl's or.
func (u unit) matches() []string {
	by := []string{"SYSLOG_IDENTIFIER=" + u.identifier}
	if u.service == "" {
		return by
	}
	return append(by, "+", "_SYSTEMD_UNIT="+u.service, "+", "_PID=1", "UNIT="+u.service)
}
