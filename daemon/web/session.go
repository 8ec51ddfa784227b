package web

import (
	"quorate.org/daemon/bus"
)

// session is one sign-in: the person's own connection to the bus, and what the
// pages keep between two requests.
type session struct {
	user string
	role bus.Role
	bus  *bus.Conn // opened by the person's account
	from string    // remote address
	csrf string
}
