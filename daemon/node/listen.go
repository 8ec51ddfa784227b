package node

import (
	"net/netip"

	"quorate.org/daemon/netif"
	"quorate.org/daemon/settings"
)

// listenAddrs returns the addresses that `xmpp listen` stands for now.
func listenAddrs(v *settings.Values) ([]netip.Addr, error) {
	return netif.Addrs(v.XMPP.Listen, v.Network.Interfaces, "xmpp listen")
}
