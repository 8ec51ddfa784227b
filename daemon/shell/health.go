package shell

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
)

// When a node is said to be unwell.
const (
	expiryDays = 60 // days before a certificate in use expires
	fullFrom   = 90 // percent of a file system in use
)

func healthCommands() []command {
	return []command{
		{grammar.Command{
			Words: "health", Shows: true,
			Help: "Look for everything that is wrong with this node",
			Long: "Services, XMPP, certificates, clock and disk. Exits with 1 when anything is wrong.",
		}, health},
		{grammar.Command{
			Words: "status", Shows: true,
			Help: "Show the state of this node",
		}, status},
		{grammar.Command{
			Words: "version", Shows: true,
			Help: "Show the versions of the software",
		}, version},
	}
}

func health(ctx context.Context, s *Shell, c grammar.Call) error {
	faults := s.faults(ctx)
	if c.Flags[grammar.JSON] {
		if err := s.json(faults); err != nil {
			return err
		}
	} else {
		for _, f := range faults {
			s.failure(f.Text, f.Remedy)
		}
	}
	if len(faults) > 0 {
		return errSaid
	}
	if !c.Flags[grammar.JSON] {
		s.success("no faults")
	}
	return nil
}

// faults collects what is wrong; a service that does not answer is a fault too.
func (s *Shell) faults(ctx context.Context) []bus.Fault {
	faults := append(clockFaults(), diskFaults("/", "/var")...)
	if err := s.dial(); err != nil {
		return append(faults, faultOf(err))
	}
	for _, look := range []func(context.Context) ([]bus.Fault, error){s.unitFaults, s.xmppFaults, s.certificateFaults} {
		found, err := look(ctx)
		if err != nil {
			found = []bus.Fault{faultOf(err)}
		}
		faults = append(faults, found...)
	}
	return faults
}

func faultOf(err error) bus.Fault {
	f := asFault(err)
	return bus.Fault{Code: string(f.Code), Text: f.Message, Remedy: f.Remedy}
}

func (s *Shell) unitFaults(ctx context.Context) ([]bus.Fault, error) {
	units, err := s.conn.Config().Units(ctx)
	var faults []bus.Fault
	for _, u := range units {
		if u.Active == "failed" {
			faults = append(faults, bus.Fault{
				Code: string(fault.Unavailable), Text: u.Name + " has failed", Remedy: "journalctl -u " + u.Name,
			})
		}
	}
	return faults, err
}

func (s *Shell) xmppFaults(ctx context.Context) ([]bus.Fault, error) {
	status, err := s.conn.Xmpp().Status(ctx)
	return status.Faults, err
}

func (s *Shell) certificateFaults(ctx context.Context) ([]bus.Fault, error) {
	files, err := s.conn.Certificates().List(ctx)
	var faults []bus.Fault
	for _, f := range files {
		faults = append(faults, fileFaults(f)...)
	}
	return faults, err
}

// fileFaults tells of a file in use that expires, and of one that was refused.
func fileFaults(f bus.Certificate) []bus.Fault {
	switch {
	case f.State == "rejected":
		return []bus.Fault{{
			Code: string(fault.InvalidArgument), Text: f.File + " was refused: " + f.Reason, Remedy: "pki remove " + f.File,
		}}
	case f.NotAfter == "" || len(f.UsedBy) == 0 || f.DaysLeft > expiryDays:
		return nil
	}
	text := fmt.Sprintf("%s expires in %d days", f.File, f.DaysLeft)
	if f.DaysLeft < 0 {
		text = f.File + " has expired"
	}
	return []bus.Fault{{Code: string(fault.Expired), Text: text, Remedy: "upload a renewed certificate under the same name"}}
}

func clockFaults() []bus.Fault {
	c, err := readClock()
	if err != nil {
		return []bus.Fault{faultOf(err)}
	}
	if c.Synchronized {
		return nil
	}
	return []bus.Fault{{
		Code: string(fault.WrongState), Text: "the clock is not synchronized", Remedy: "systemctl status systemd-timesyncd",
	}}
}

func diskFaults(paths ...string) []bus.Fault {
	var faults []bus.Fault
	for _, path := range paths {
		var fs unix.Statfs_t
		if err := unix.Statfs(path, &fs); err != nil {
			faults = append(faults, faultOf(fmt.Errorf("looking at %s: %w", path, err)))
			continue
		}
		if used := percentUsed(fs.Blocks, fs.Bfree, fs.Bavail); used >= fullFrom {
			faults = append(faults, bus.Fault{
				Code: string(fault.WrongState), Text: fmt.Sprintf("%s is %d %% full", path, used),
				Remedy: "journalctl --vacuum-size=100M",
			})
		}
	}
	return faults
}

// percentUsed counts as df does: what root keeps for itself is not available. A
// read-only file system without free blocks is full by nature and counts as 0.
func percentUsed(blocks, free, available uint64) int {
	used := blocks - free
	if blocks == 0 || free == 0 && available == 0 {
		return 0
	}
	return int(used * 100 / (used + available))
}
