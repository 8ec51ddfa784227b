package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Nameserver is the address of the lab's DNS server.
const Nameserver = gateway + ":53"

// Zone returns what the lab's DNS server answers unless SetZone says otherwise,
// as an administrator would have it: an address for each node, and the SRV
// records of RFC 6120 §3.2.1 for clients and components. Each line is an option
// of dnsmasq(8): host-record=name,address or srv-host=service,target,port,
// priority,weight.
func (l *Lab) Zone() []string { return l.net.zone() }

// SetZone makes the DNS server answer what the lines say and nothing else. It
// lasts until the next SetZone or Readdress; l.SetZone(ctx, l.Zone()...) undoes it.
func (l *Lab) SetZone(ctx context.Context, lines ...string) error {
	if err := l.net.procs.stop(ctx, "dnsmasq", syscall.SIGTERM); err != nil {
		return err
	}
	return l.net.serve(ctx, lines)
}

func (w *network) zone() []string {
	var lines []string
	for i, n := range w.hosts {
		lines = append(lines, fmt.Sprintf("host-record=%s.%s,%s", n.name, Domain, n.addr))
		if i >= members {
			continue // a spare node has a name, and no service yet
		}
		lines = append(lines,
			fmt.Sprintf("srv-host=_xmpp-component._tcp.%s,%s.%s,5223,0,0", Domain, n.name, Domain),
			fmt.Sprintf("srv-host=_xmpp-client._tcp.%s,%s.%s,5222,10,50", Domain, n.name, Domain))
	}
	return lines
}

// startDNS serves the zone.
func (w *network) startDNS(ctx context.Context) error { return w.serve(ctx, w.zone()) }

// serve starts the DNS server and waits until it listens.
func (w *network) serve(ctx context.Context, zone []string) error {
	text := fmt.Sprintf("no-resolv\nno-hosts\nbind-interfaces\nlisten-address=%s\nlocal=/%s/\nuser=root\npid-file=\nlocal-ttl=1\n", gateway, Domain)
	for _, line := range zone {
		text += line + "\n"
	}
	conf := filepath.Join(w.dir, "dnsmasq.conf")
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the DNS server's configuration: %w", err)
	}
	err := w.procs.start(ctx, spec{
		name: "dnsmasq", netns: w.name, log: filepath.Join(w.dir, "dnsmasq.log"),
		argv: []string{"dnsmasq", "--keep-in-foreground", "--conf-file=" + conf},
	})
	if err != nil {
		return err
	}
	return Wait(ctx, 5*time.Second, "the DNS server", func() error {
		c, err := dialIn(ctx, w.name, "tcp", Nameserver)
		if err != nil {
			return err
		}
		return c.Close()
	})
}
