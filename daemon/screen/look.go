package screen

import (
	"context"
	"os"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/health"
	"quorate.org/daemon/password"
	"quorate.org/daemon/provision"
	"quorate.org/daemon/service"
	"quorate.org/daemon/settings"
)

// How often the services, and the port of Web Admin, are looked at; the machine
// itself is at every look.
const (
	askServices = 10 * time.Second
	askPort     = time.Minute
)

// Node is this node, to look at. It is used by one goroutine.
type Node struct {
	Socket string // of daemon/password
	conn   *bus.Conn
	facts  Facts
	asked  time.Time // when the services were
	dialed time.Time // when the port of Web Admin was
}

// Close leaves the bus.
func (n *Node) Close() error {
	if n.conn == nil {
		return nil
	}
	return n.conn.Close()
}

// Look returns the facts as they are now.
func (n *Node) Look(ctx context.Context) Facts {
	n.machine()
	if time.Since(n.asked) >= askServices {
		n.services(ctx)
		n.asked = time.Now()
	}
	if want, err := password.Ask(ctx, n.Socket); err == nil {
		if n.facts.Want != want {
			n.asked = time.Time{} // somebody was here: look at everything next time
		}
		n.facts.Want = want
	}
	return n.facts
}

// machine looks at what needs no service.
func (n *Node) machine() {
	f := &n.facts
	f.Version, f.Now = service.Version, time.Now()
	f.Hostname, _ = os.Hostname() // the kernel always has a name
	f.Cards = networkd{"/run/systemd/netif/links", "/proc/net/if_inet6"}.cards()
	f.SSHKey = hostKey("/etc/ssh/ssh_host_ed25519_key.pub")
	c, err := health.ReadClock()
	f.Clock, f.Kept, f.Offset = err == nil, c.Synchronized, time.Duration(c.OffsetMs*float64(time.Millisecond))
}

// services asks them; who does not answer is among the faults.
func (n *Node) services(ctx context.Context) {
	f := &n.facts
	if err := n.dial(); err != nil {
		f.Faults, f.Silent = n.told(health.Without(err)), "the system bus does not answer"
		return
	}
	f.Faults = n.told(health.Look(ctx, n.conn))
	f.Silent = ""
	var err error
	if f.Xmpp, err = n.conn.Xmpp().Status(ctx); err == nil {
		f.Cluster, err = n.conn.Xmpp().ClusterStatus(ctx)
	}
	if err != nil {
		f.Silent = health.Fault(err).Text
	}
	n.web(ctx)
}

// dial opens the bus, anew when it went away.
func (n *Node) dial() (err error) {
	if n.conn != nil {
		select {
		case <-n.conn.Done():
			_ = n.conn.Close() // gone already
			n.conn = nil
		default:
			return nil
		}
	}
	n.conn, err = bus.Dial()
	return err
}

// told puts what the machine was given in vain before what health found.
func (n *Node) told(found []bus.Fault) []bus.Fault {
	var all []bus.Fault
	for _, f := range provision.Reported(provision.ReportPath) {
		all = append(all, bus.Fault{Code: string(f.Code), Text: f.Message, Remedy: f.Remedy})
	}
	return append(all, found...)
}

func (n *Node) web(ctx context.Context) {
	raw, err := n.conn.Config().Values(ctx)
	if err != nil {
		return
	}
	v, err := settings.Decode(raw)
	if err != nil {
		return
	}
	w := &n.facts.Web
	if *w = (Web{Enabled: v.Web.Enabled, Port: v.Web.Port, Fingerprint: w.Fingerprint}); !w.Enabled {
		return
	}
	if w.Fingerprint == nil || time.Since(n.dialed) >= askPort {
		w.Fingerprint, n.dialed = presented(ctx, v), time.Now()
	}
}
