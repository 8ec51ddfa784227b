package layout

import (
	"strconv"
	"strings"

	"quorate.org/daemon/bus"
)

// Xmpp is the status block of this node's XMPP server.
func Xmpp(s bus.XmppStatus) string {
	fields := []Field{
		{"Enabled", strconv.FormatBool(s.Enabled)},
		{"Clustered", strconv.FormatBool(s.Clustered)},
		{"Domain", s.Domain},
		{"Listening interfaces", strings.Join(s.Listen, " ")},
		{"Listening addresses", strings.Join(s.Addresses, " ")},
		{"Key file", s.Key},
		{"Certificate file", s.Certificate},
		{"CA Bundle file", s.Bundle},
		{"Cluster trust file", s.Trust},
		{"Client port", port(s.ClientPort)},
		{"Component port", port(s.ComponentPort)},
		{"Cluster port", port(s.ClusterPort)},
		{"Client sessions", strconv.Itoa(s.Sessions)},
		{"Component streams", strconv.Itoa(s.Components)},
		{"Cluster state", s.State},
	}
	for _, f := range s.Faults {
		fields = append(fields, Field{"Fault", withRemedy(f.Text, f.Remedy)})
	}
	return StatusBlock(append(fields, Field{"STATUS", running(s)}))
}

func running(s bus.XmppStatus) string {
	switch {
	case s.Running:
		return "XMPP server running"
	case s.Enabled && s.State == "NOT JOINED":
		return "XMPP server enabled, waiting to join a cluster"
	case s.Enabled:
		return "XMPP server enabled, not running"
	}
	return "XMPP server not running"
}

func withRemedy(text, remedy string) string {
	if remedy == "" {
		return text
	}
	return text + "; " + remedy
}

// CallBridges lists the call bridges as the original does, between lines of
// three stars, with the node each one is connected to below.
func CallBridges(list []bus.CallBridge) string {
	if len(list) == 0 {
		return "none\n"
	}
	var b strings.Builder
	for _, c := range list {
		b.WriteString("***\n")
		b.WriteString(Block(tight, []Field{
			{"Callbridge", c.Name},
			{"Domain", c.Domain},
			{"Secret", c.Secret},
			{"Connected", c.ConnectedTo},
		}))
	}
	return b.String()
}

// Domains lists the further domains.
func Domains(list []bus.Domain) string {
	rows := make([][]string, len(list))
	for i, d := range list {
		rows[i] = []string{d.Name, d.Key, d.Certificate, d.Bundle, strconv.Itoa(d.Users)}
	}
	return Table([]string{"DOMAIN", "KEY", "CERTIFICATE", "BUNDLE", "USERS"}, rows)
}

// Users lists the local accounts.
func Users(list []bus.User) string {
	rows := make([][]string, len(list))
	for i, u := range list {
		rows[i] = []string{u.Name, strconv.Itoa(u.Sessions)}
	}
	return Table([]string{"USERNAME", "SESSIONS"}, rows)
}
