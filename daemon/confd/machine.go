package confd

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// watched are the units an administrator asks about: ours and those we lean on.
var watched = []string{
	"quorate*.service", "quorate*.path", "quorate*.socket", "quorate*.target", "ssh.service",
	"dbus-broker.service", "dbus.service", "systemd-networkd.service", "systemd-resolved.service",
	"systemd-timesyncd.service", "systemd-journald.service", "systemd-logind.service",
}

var (
	// unitNames are those of systemd.unit(5) with a type that can be acted on.
	unitNames = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Za-z0-9:_.@\\-]{1,240}\.(service|socket|path|timer|target|mount|automount|slice|swap)$`)
	})
	// hostLabel is one label of a host name (RFC 1123 §2.1), in lower case as
	// systemd keeps it.
	hostLabel = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) })
)

// UnitAction acts on a unit; a name without a type is a service.
func (s *Service) UnitAction(ctx context.Context, _ bus.Caller, unit, action string) error {
	if !strings.Contains(unit, ".") {
		unit += ".service"
	}
	if !unitNames().MatchString(unit) {
		return fault.New(fault.InvalidName, fmt.Sprintf("%q is not the name of a unit", unit))
	}
	return s.Machine.UnitAction(ctx, unit, action)
}

// Units lists the units of the product and those it leans on.
func (s *Service) Units(ctx context.Context) ([]bus.Unit, error) {
	return s.Machine.Units(ctx, watched)
}

// Power reboots or powers the machine off.
func (s *Service) Power(ctx context.Context, _ bus.Caller, act string) error {
	return s.Machine.Power(ctx, act)
}

// SetHostname sets the static host name.
func (s *Service) SetHostname(ctx context.Context, _ bus.Caller, name string) error {
	if len(name) > 64 { // Linux's HOST_NAME_MAX
		return fault.New(fault.InvalidName, "a host name has at most 64 characters")
	}
	for label := range strings.SplitSeq(name, ".") {
		if !hostLabel().MatchString(label) {
			return fault.New(fault.InvalidName, fmt.Sprintf("%q is not a host name: use lower-case letters, digits and - between dots", name))
		}
	}
	return s.Machine.SetHostname(ctx, name)
}

// Hostname returns the static host name.
func (s *Service) Hostname(ctx context.Context) (string, error) { return s.Machine.Hostname(ctx) }
