package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Addresses of the segment that ServeMaster may be given, and one that nobody
// has.
const (
	PrimaryServer   = "10.77.0.2"
	SecondaryServer = "10.77.0.3"
	SilentServer    = "10.77.0.250"
)

// MasterFile returns the zone of the domain as an administrator would write it,
// in the form of RFC 1035 §5.1, one record a line and nothing abbreviated: what
// Zone has, and the optional records of XEP-0368.
func (l *Lab) MasterFile() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%[1]s. 300 IN SOA ns.%[1]s. hostmaster.%[1]s. 1 3600 600 86400 60\n%[1]s. 300 IN NS ns.%[1]s.\nns.%[1]s. 300 IN A %[2]s\n", Domain, PrimaryServer)
	for _, n := range l.Members() {
		host := n.name + "." + Domain + "."
		fmt.Fprintf(&b, "%s 300 IN A %s\n", host, n.addr)
		fmt.Fprintf(&b, "_xmpp-component._tcp.%s. 300 IN SRV 0 0 5223 %s\n", Domain, host)
		fmt.Fprintf(&b, "_xmpp-client._tcp.%s. 300 IN SRV 10 50 5222 %s\n", Domain, host)
		fmt.Fprintf(&b, "_xmpps-client._tcp.%s. 300 IN SRV 5 50 5223 %s\n", Domain, host)
	}
	return b.String()
}

const nsdConfig = `server:
  ip-address: %[1]s@53
  username: ""
  zonesdir: "%[2]s"
  zonelistfile: "%[2]s/zone.list"
  database: ""
  xfrdfile: ""
  xfrdir: "%[2]s"
  pidfile: ""
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: %[3]s
  zonefile: master
`

// ServeMaster serves the domain from a master file on another address of the
// segment, by a name server that reads such files: nsd(8). It replaces what it
// served there before. Nodes ask it after UseNameServers.
func (l *Lab) ServeMaster(ctx context.Context, addr, master string) error {
	w, name, dir := l.net, "nsd-"+addr, filepath.Join(l.cfg.Dir, "nsd-"+addr)
	if err := w.procs.stop(ctx, name, syscall.SIGTERM); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", dir, err)
	}
	for file, text := range map[string]string{"master": master, "nsd.conf": fmt.Sprintf(nsdConfig, addr, dir, Domain)} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", file, err)
		}
	}
	if err := batch(ctx, fmt.Sprintf("ip -n %s addr replace %s/%d dev br0", w.name, addr, prefixLen)); err != nil {
		return err
	}
	err := w.procs.start(ctx, spec{
		name: name, netns: w.name, log: filepath.Join(dir, "log"),
		argv: []string{"nsd", "-d", "-c", filepath.Join(dir, "nsd.conf")},
	})
	if err != nil {
		return err
	}
	return Wait(ctx, 5*time.Second, "the name server "+addr, func() error {
		c, err := dialIn(ctx, w.name, "tcp", addr+":53")
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// UseNameServers makes a local node ask these name servers; none is the lab's
// own again.
func (n *Node) UseNameServers(addrs ...string) error {
	m, ok := n.machine.(*local)
	if !ok {
		return fmt.Errorf("%s is no local node", n.name)
	}
	return writeNameServers(m.netns, addrs...)
}

// writeNameServers writes into the file that is there: what runs in the
// namespace has it bound over /etc/resolv.conf.
func writeNameServers(netns string, addrs ...string) error {
	if len(addrs) == 0 {
		addrs = []string{gateway}
	}
	text := "options timeout:1 attempts:2\n"
	for _, addr := range addrs {
		text += "nameserver " + addr + "\n"
	}
	file := filepath.Join("/etc/netns", netns, "resolv.conf")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing resolv.conf: %w", err)
	}
	return nil
}
