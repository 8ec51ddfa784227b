package signin

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// Checker checks a password, wipes it, and returns the account's name; its
// errors are told to who signs in.
type Checker func(user string, password []byte, from string) (string, error)

// Server answers one request.
type Server struct {
	Check Checker
	Bus   string // path of the system bus's socket
	Log   *slog.Logger
}

// BusSocket returns the path of the system bus's socket: that of
// $DBUS_SYSTEM_BUS_ADDRESS when it names one, else the well-known one.
func BusSocket() string {
	path, ok := strings.CutPrefix(os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"), "unix:path=")
	if !ok {
		return "/run/dbus/system_bus_socket"
	}
	path, _, _ = strings.Cut(path, ",") // behind it may be the bus's GUID
	return path
}

// Serve reads one request from conn, answers it, and writes the outcome to the
// journal. The process must be root. The error is one of the connection; a
// refusal is none.
func (s *Server) Serve(ctx context.Context, conn *net.UnixConn) error {
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return fmt.Errorf("limiting the sign-in: %w", err)
	}
	r, err := readRequest(conn)
	if err != nil {
		return s.refuse(ctx, conn, request{}, err)
	}
	a, err := s.admit(r)
	if err != nil {
		return s.refuse(ctx, conn, r, err)
	}
	file, err := connectAs(a, s.Bus)
	if err != nil {
		return s.refuse(ctx, conn, r, err)
	}
	defer file.Close()
	if err := send(conn, answer{User: a.user, UID: a.uid, Role: a.role}, int(file.Fd())); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, fmt.Sprintf("%s signed in from %s as %s", a.user, r.From, a.role),
		"user", a.user, "from", r.From, "role", a.role.String(), journal.ID(journal.SignedIn))
	return nil
}

// admit returns the account that a request proves to be.
func (s *Server) admit(r request) (account, error) {
	defer clear(r.Password)
	from, err := netip.ParseAddr(r.From)
	if err != nil || from.Zone() != "" {
		return account{}, fault.New(fault.InvalidArgument, "the remote address is none")
	}
	name, err := s.Check(r.User, r.Password, from.String())
	if err != nil {
		return account{}, err
	}
	a, err := find(name)
	if err != nil {
		return account{}, err
	}
	switch a.role {
	case bus.Operator, bus.Admin, bus.Root:
		return a, nil
	}
	return account{}, fault.Mend(fault.NotPermitted, "the account "+a.user+" may not use Web Admin", "an administrator adds it to the group quorate-admin or quorate-operator")
}

func (s *Server) refuse(ctx context.Context, conn *net.UnixConn, r request, why error) error {
	name := known(r.User)
	s.Log.WarnContext(ctx, fmt.Sprintf("%s did not sign in from %s: %v", name, r.From, why),
		"user", name, "from", r.From, "code", string(fault.CodeOf(why)), journal.ID(journal.SignInFailed))
	return send(conn, answer{Error: refusalOf(why)}, -1)
}
