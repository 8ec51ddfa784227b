package firewall

import "quorate.org/daemon/settings"

// Protocol is the transport of a port.
type Protocol string

// The protocols.
const (
	TCP Protocol = "tcp"
	UDP Protocol = "udp"
)

// Port is a port of a service of this node.
type Port struct {
	Number   int
	Protocol Protocol
	Service  string   // in words
	Setting  string   // the key that has the number; empty for SSH, whose port is fixed
	Listen   []string // letters of network cards and addresses the service listens on; empty means all
	Open     bool     // the service is switched on
}

// sshPort is the way in when all else is shut.
const sshPort = 22

// Ports lists the ports of every service. The two by which nodes know each other
// are open whatever the switches say: membership is no setting, `xmpp disable`
// keeps it, and a member whose XMPP service has just died must refuse a call at
// once and not swallow it, for the others take that as the sign to elect a new
// leader. Nothing listens there on a node that stands alone.
func Ports(v settings.Values) []Port {
	x, w := v.XMPP, v.Web
	list := []Port{
		{Number: sshPort, Protocol: TCP, Service: "SSH and SFTP", Open: true},
		{Number: x.ClientPort, Protocol: TCP, Service: "XMPP clients", Setting: "xmpp.client_port", Listen: x.Listen, Open: x.Enabled},
		{Number: x.ComponentPort, Protocol: TCP, Service: "XMPP components", Setting: "xmpp.component_port", Listen: x.Listen, Open: x.Enabled},
		{Number: v.Cluster.Port, Protocol: TCP, Service: "cluster", Setting: "cluster.port", Listen: x.Listen, Open: true},
		{Number: v.Gossip.Port, Protocol: TCP, Service: "gossip", Setting: "gossip.port", Listen: x.Listen, Open: true},
		{Number: v.Gossip.Port, Protocol: UDP, Service: "gossip", Setting: "gossip.port", Listen: x.Listen, Open: true},
		{Number: w.Port, Protocol: TCP, Service: "Web Admin", Setting: "web.port", Listen: w.Listen, Open: w.Enabled},
	}
	if m := v.Metrics; len(m.Listen) > 0 { // nobody is told of a port that few nodes have
		list = append(list, Port{Number: m.Port, Protocol: TCP, Service: "metrics", Setting: "metrics.port", Listen: m.Listen, Open: true})
	}
	return list
}
