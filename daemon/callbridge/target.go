package callbridge

import (
	"net"
	"strconv"

	"quorate.org/daemon/resolve"
)

// defaultPort is that of components where a pinned server names none.
const defaultPort = 5223

// target is one server to try.
type target struct {
	host   string
	port   int
	record string // the SRV record that names it; empty when it is pinned
}

// String returns host and port.
func (t target) String() string { return net.JoinHostPort(t.host, strconv.Itoa(t.port)) }

// origin is the target with where it comes from: a wrong port is mended there.
func (t target) origin() string {
	if t.record == "" {
		return t.String()
	}
	return t.String() + " (host and port are from the SRV record " + t.record + ")"
}

// pinned reads callbridge.server, which the schema has checked.
func pinned(server string) resolve.Server {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		host, port = server, ""
	}
	if len(host) > 1 && host[0] == '[' {
		host = host[1 : len(host)-1]
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		n = defaultPort
	}
	return resolve.Server{Target: host, Port: n}
}
