package netif

import (
	"net"
	"strconv"

	"quorate.org/daemon/settings"
)

// WebAdmin returns where Web Admin should answer on this machine: on the loopback
// address when it listens everywhere. With an error, the addresses before the one
// it is about are returned.
func WebAdmin(v settings.Values) ([]string, error) {
	port := strconv.Itoa(v.Web.Port)
	if len(v.Web.Listen) == 0 {
		return []string{net.JoinHostPort("127.0.0.1", port)}, nil
	}
	addrs, err := Addrs(v.Web.Listen, v.Network.Interfaces, "webadmin listen")
	var out []string
	for _, a := range addrs {
		out = append(out, net.JoinHostPort(a.String(), port))
	}
	return out, err
}
