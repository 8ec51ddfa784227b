package bus

import (
	"context"
	"errors"
	"strings"

	"github.com/godbus/dbus/v5"

	"quorate.org/daemon/fault"
)

// encodeError makes the D-Bus error of err: name org.quorate.Error.<Code>, body
// (message, remedy). busctl shows the message.
func encodeError(err error) *dbus.Error {
	if ready := (*dbus.Error)(nil); errors.As(err, &ready) {
		return ready
	}
	f := (*fault.Error)(nil)
	switch {
	case errors.As(err, &f):
	case errors.Is(err, context.DeadlineExceeded):
		f = fault.New(fault.Timeout, err.Error())
	case errors.Is(err, context.Canceled):
		f = fault.New(fault.Unavailable, "the service is stopping")
	default:
		f = fault.New(fault.Internal, err.Error())
	}
	return dbus.NewError(errorPrefix+string(f.Code), []any{f.Message, f.Remedy})
}

// decodeError turns what a call to s returned into a *fault.Error in words. The
// end of the caller's own context comes back as it is.
func decodeError(ctx context.Context, s service, err error) error {
	if err == nil {
		return nil
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Mend(fault.Timeout, s.words+" did not answer in time", s.look())
	case errors.Is(err, dbus.ErrClosed):
		return fault.New(fault.Unavailable, "the system bus closed the connection")
	}
	var e dbus.Error
	if !errors.As(err, &e) {
		var p *dbus.Error
		if !errors.As(err, &p) {
			return fault.Mend(fault.Unavailable, s.words+" can not be reached: "+err.Error(), s.look())
		}
		e = *p
	}
	return decodeNamed(s, e)
}

func decodeNamed(s service, e dbus.Error) error {
	if code, ok := strings.CutPrefix(e.Name, errorPrefix); ok {
		return fault.Mend(fault.Code(code), bodyString(e, 0), bodyString(e, 1))
	}
	text := e.Error()
	switch strings.TrimPrefix(e.Name, "org.freedesktop.DBus.Error.") {
	case "ServiceUnknown", "NameHasNoOwner":
		return fault.Mend(fault.Unavailable, s.words+" is not running", s.start())
	case "NoReply", "Disconnected", "NoServer":
		return fault.Mend(fault.Unavailable, s.words+" stopped before it answered", s.look())
	case "Spawn.ChildExited", "Spawn.ExecFailed", "Spawn.Failed", "TimedOut", "Timeout":
		return fault.Mend(fault.Unavailable, s.words+" does not start", s.look())
	case "UnknownMethod", "UnknownInterface", "UnknownObject", "NoSuchObject", "UnknownProperty":
		return fault.Mend(fault.Version, s.words+" is of another version: "+text, s.restart())
	case "AccessDenied", "InteractiveAuthorizationRequired", "AuthFailed":
		return fault.Mend(fault.NotPermitted, "not permitted by "+s.words+": "+text, "sign in as an administrator")
	case "InvalidArgs":
		return fault.New(fault.InvalidArgument, s.words+" refuses the value: "+text)
	}
	if strings.HasSuffix(e.Name, ".NoSuchUnit") || strings.HasSuffix(e.Name, ".LoadFailed") {
		return fault.New(fault.NotFound, text)
	}
	return fault.New(fault.Internal, s.words+" reports: "+text)
}

func bodyString(e dbus.Error, i int) string {
	if i < len(e.Body) {
		if s, ok := e.Body[i].(string); ok {
			return s
		}
	}
	return ""
}

// The remedies name the unit behind the service. Without one there is nothing
// to start it with: that is the service manager.
func (s service) start() string   { return s.remedy("systemctl start ") }
func (s service) restart() string { return s.remedy("systemctl restart ") }
func (s service) look() string    { return s.remedy("journalctl -u ") }

func (s service) remedy(command string) string {
	if s.unit == "" {
		return "reboot"
	}
	return command + s.unit
}
