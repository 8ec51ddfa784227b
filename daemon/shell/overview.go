package shell

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"quorate.org/daemon/bus"
	look "quorate.org/daemon/health"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

// node is what `status` shows.
type node struct {
	Hostname string     `json:"hostname"`
	Versions versions   `json:"versions"`
	UptimeS  int64      `json:"uptime_s"` // seconds
	Clock    look.Clock `json:"clock"`
	Xmpp     string     `json:"xmpp"` // the cluster state, or why it is not known
	Domain   string     `json:"domain"`
	Units    []bus.Unit `json:"units"`
	Faults   int        `json:"faults"` // how many `health` names
}

func status(ctx context.Context, s *Shell, c grammar.Call) error {
	n := node{Hostname: s.cfg.Hostname, Versions: s.versions(), Faults: len(s.faults(ctx)), Units: []bus.Unit{}}
	var err error
	if n.Clock, err = look.ReadClock(); err != nil {
		return err
	}
	if n.UptimeS, err = uptime(); err != nil {
		return err
	}
	s.describeServices(ctx, &n)
	return s.show(c, n, n.text())
}

// describeServices fills in what the services tell; those that do not answer
// are counted among the faults already.
func (s *Shell) describeServices(ctx context.Context, n *node) {
	if err := s.dial(); err != nil {
		n.Xmpp = asFault(err).Message
		return
	}
	xmpp, err := s.conn.Xmpp().Status(ctx)
	n.Xmpp, n.Domain = xmpp.State, xmpp.Domain
	if err != nil {
		n.Xmpp = asFault(err).Message
	}
	if units, err := s.conn.Config().Units(ctx); err == nil {
		n.Units = units
	}
}

func (n node) text() string {
	faults := "none"
	if n.Faults > 0 {
		faults = strconv.Itoa(n.Faults) + ", see health"
	}
	text := layout.StatusBlock([]layout.Field{
		{Label: "Hostname", Value: n.Hostname},
		{Label: "Version", Value: n.Versions.Quorate},
		{Label: "Uptime", Value: (time.Duration(n.UptimeS) * time.Second).String()},
		{Label: "Clock", Value: n.Clock.String()},
		{Label: "Domain", Value: n.Domain},
		{Label: "XMPP cluster", Value: n.Xmpp},
		{Label: "Faults", Value: faults},
	})
	if len(n.Units) > 0 {
		text += "\n" + layout.Units(n.Units)
	}
	return text
}

func uptime() (int64, error) {
	var info unix.Sysinfo_t
	err := unix.Sysinfo(&info)
	return int64(info.Uptime), err
}

// versions is what `version` shows.
type versions struct {
	Quorate string `json:"quorate"`
	System  string `json:"system"`
	Image   string `json:"image"`
	Kernel  string `json:"kernel"`
	Go      string `json:"go"`
}

func version(_ context.Context, s *Shell, c grammar.Call) error {
	v := s.versions()
	return s.show(c, v, layout.StatusBlock([]layout.Field{
		{Label: "Quorate", Value: v.Quorate},
		{Label: "System", Value: v.System},
		{Label: "Image", Value: v.Image},
		{Label: "Kernel", Value: v.Kernel},
		{Label: "Go", Value: v.Go},
	}))
}

func (s *Shell) versions() versions {
	v := versions{Quorate: s.cfg.Version, Go: runtime.Version()}
	// A system without os-release(5) simply has no name to show.
	if data, err := os.ReadFile("/etc/os-release"); err == nil {
		release := parseRelease(string(data))
		v.System, v.Image = release["PRETTY_NAME"], release["IMAGE_VERSION"]
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		v.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	return v
}

// parseRelease reads the assignments of an os-release(5) file.
func parseRelease(text string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found {
			values[name] = strings.Trim(value, `"'`)
		}
	}
	return values
}
