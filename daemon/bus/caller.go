package bus

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"time"

	"github.com/godbus/dbus/v5"

	"quorate.org/daemon/fault"
)

// Role is what a caller may do.
type Role uint8

// The roles, from none to all.
const (
	None     Role = iota
	Operator      // may read: group quorate-operator
	Service       // may read and open keys: the daemons' own users
	Admin         // may change: group quorate-admin
	Root          // may do all: user ID 0, or the user the service itself runs as
)

// String returns the role in the words of the journal.
func (r Role) String() string {
	return [...]string{"none", "operator", "service", "administrator", "root"}[r]
}

// may says whether the role satisfies a.
func (r Role) may(a access) bool {
	switch a {
	case accessRead:
		return r >= Operator
	case accessService:
		return r == Service || r == Root
	case accessRoot:
		return r == Root
	}
	return r >= Admin
}

// SeesSecrets says whether secrets are shown to the caller: administrators, root
// and services, those excepted that have no use for one.
func (c Caller) SeesSecrets() bool {
	return c.Role >= Service && c.User != webUser && c.User != firewallUser
}

// Groups and users that carry a role.
const (
	adminGroup    = "quorate-admin"
	operatorGroup = "quorate-operator"
)

// webUser is the service user that people's requests pass through: it sees no
// secret, whatever its role.
const webUser = "quorate-web"

// firewallUser reads the ports and sees no secret either.
const firewallUser = "quorate-firewall"

var serviceUsers = []string{"quorate-xmpp", "quorate-cert", "quorate-config", "quorate-callbridge", webUser, firewallUser}

// Caller is who makes a call.
type Caller struct {
	Name string // unique bus name
	UID  uint32
	PID  uint32
	User string // account name, or the user ID in digits
	Role Role
	From string // remote host or terminal of the login session, empty when there is none
}

// String names the caller as the journal does: "admin from 10.0.0.9".
func (c Caller) String() string {
	if c.From == "" {
		return c.User
	}
	return c.User + " from " + c.From
}

// caller asks the bus who sender is. The answer can not be forged or go stale:
// a unique name is bound to its connection and never used again.
func (c *Conn) caller(ctx context.Context, sender string) (Caller, error) {
	ctx, cancel := context.WithTimeout(ctx, quick)
	defer cancel()
	var m map[string]dbus.Variant
	err := c.raw.BusObject().CallWithContext(ctx, busName+".GetConnectionCredentials", 0, sender).Store(&m)
	if err != nil {
		return Caller{}, fmt.Errorf("asking for the credentials of %s: %w", sender, err)
	}
	uid, ok := m["UnixUserID"].Value().(uint32)
	if !ok {
		return Caller{}, fault.New(fault.NotPermitted, "the bus does not know the user of "+sender)
	}
	pid, _ := m["ProcessID"].Value().(uint32)
	name, groups := account(uid)
	return Caller{Name: sender, UID: uid, PID: pid, User: name, Role: roleOf(uid, name, groups)}, nil
}

// RoleOf returns what the account of a user ID may do by its own groups, as the
// services will see it.
func RoleOf(uid uint32) Role {
	name, groups := account(uid)
	return roleOf(uid, name, groups)
}

// account returns the user's name and the names of the account's groups as they
// are now: one that was given or taken after the session began counts at once,
// and what a unit adds for the sake of files is no role.
func account(uid uint32) (name string, groups []string) {
	name = strconv.FormatUint(uint64(uid), 10)
	u, err := user.LookupId(name)
	if err != nil {
		return name, nil
	}
	ids, err := u.GroupIds()
	if err != nil {
		return u.Username, nil
	}
	for _, id := range ids {
		if g, err := user.LookupGroupId(id); err == nil {
			groups = append(groups, g.Name)
		}
	}
	return u.Username, groups
}

// roleOf is the whole access policy of who is what.
func roleOf(uid uint32, name string, groups []string) Role {
	switch {
	case uid == 0 || uid == uint32(os.Geteuid()):
		return Root
	case slices.Contains(groups, adminGroup):
		return Admin
	case slices.Contains(serviceUsers, name):
		return Service
	case slices.Contains(groups, operatorGroup):
		return Operator
	}
	return None
}

// origin returns where the caller's login session comes from, as far as logind
// knows: "10.0.0.9", "tty1", or nothing.
func (c *Conn) origin(ctx context.Context, pid uint32) string {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	var session dbus.ObjectPath
	manager := c.raw.Object(loginName, loginPath)
	if manager.CallWithContext(ctx, loginManager+".GetSessionByPID", 0, pid).Store(&session) != nil {
		return ""
	}
	for _, property := range []string{"RemoteHost", "TTY"} {
		var v dbus.Variant
		call := c.raw.Object(loginName, session).CallWithContext(ctx, propertiesInterface+".Get", 0, loginSession, property)
		if call.Store(&v) != nil {
			return ""
		}
		if s, _ := v.Value().(string); s != "" {
			return s
		}
	}
	return ""
}
