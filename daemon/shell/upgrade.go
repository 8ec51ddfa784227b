package shell

import (
	"context"
	"fmt"
	"strings"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

var restart = grammar.Flag{Name: "reboot", Help: "restart the node when it is done, without asking"}

// upgradeCommands are upgrade and what belongs to it.
func upgradeCommands() []command {
	return []command{
		{grammar.Command{
			Words: "upgrade", Shows: true, Args: []grammar.Arg{{Name: "file", Optional: true}},
			Flags: []grammar.Flag{restart, yes},
			Help:  "Show the versions on this node, or install an update; installing is for administrators",
			Long: "An update is uploaded by SFTP, or named by its https URL. It must be signed and of a later version. It is installed beside\n" +
				"the version that runs and starts when the node restarts; if it does not come up in three starts, it is undone. With --yes\n" +
				"and without --reboot the node is not restarted. In a cluster, upgrade one node after the other, the leader last.",
		}, upgradeTo},
		{grammar.Command{
			Words: "upgrade status", Shows: true,
			Help: "Show the versions on this node and how far an upgrade is",
		}, upgradeStatus},
		{grammar.Command{
			Words: "upgrade rollback", Role: grammar.Admin, Flags: []grammar.Flag{restart, yes},
			Help: "Start the other version when the node restarts",
			Long: "Takes back the last upgrade. When that one was undone or rolled back before, it is tried once more. Settings, certificates\n" +
				"and XMPP data stay as they are.",
		}, upgradeRollback},
	}
}

func upgradeStatus(ctx context.Context, s *Shell, c grammar.Call) error {
	u, err := s.conn.Config().Upgrades(ctx)
	if err != nil {
		return err
	}
	return s.show(c, u, layout.Upgrade(u))
}

func upgradeTo(ctx context.Context, s *Shell, c grammar.Call) error {
	file := c.Arg(0)
	if file == "" {
		return upgradeStatus(ctx, s, c)
	}
	if strings.Contains(file, "://") {
		var err error
		if file, err = s.fetchUpdate(ctx, client(), file); err != nil {
			return err
		}
	}
	if err := s.conn.Config().Upgrade(ctx, file); err != nil {
		return err
	}
	return s.finishUpgrade(ctx, c)
}

func upgradeRollback(ctx context.Context, s *Shell, c grammar.Call) error {
	if !c.Flags[restart.Name] {
		if err := s.confirm(c, "The other version will start when the node restarts. Are you sure?"); err != nil {
			return err
		}
	}
	if err := s.conn.Config().UpgradeRollback(ctx); err != nil {
		return err
	}
	return s.finishUpgrade(ctx, c)
}

// finishUpgrade follows what was begun to its end, and restarts the node if that
// is wanted.
func (s *Shell) finishUpgrade(ctx context.Context, c grammar.Call) error {
	u, err := s.follow(ctx)
	if err != nil {
		return err
	}
	if u.Code != "" {
		return fault.Mend(fault.Code(u.Code), u.Text, u.Remedy)
	}
	s.success("%s", u.Text)
	if !c.Flags[restart.Name] {
		if c.Flags["yes"] || !s.cfg.Console.IsTerminal() {
			s.say("See: reboot\n")
			return nil
		}
		if agreed, err := s.agree("Restart the node now?"); err != nil || !agreed {
			return err
		}
	}
	if err := s.conn.Config().Power(ctx, "reboot"); err != nil {
		return fmt.Errorf("asking for reboot: %w", err)
	}
	s.success("restarting")
	return nil
}

// follow shows each phase once, and returns how it ended. It goes on without
// whoever watches.
func (s *Shell) follow(ctx context.Context) (bus.Upgrade, error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	said := ""
	for {
		u, err := s.conn.Config().Upgrades(ctx)
		if err != nil {
			return u, err
		}
		if !u.Busy && u.Phase == bus.UpgradeDone {
			return u, nil
		}
		if line := fmt.Sprintf("%3d %%  %s\n", u.Percent/10*10, u.Phase); line != said && u.Busy && u.Phase != "" && u.Phase != bus.UpgradeDone {
			s.say(line)
			said = line
		}
		select {
		case <-ctx.Done():
			return u, ctx.Err()
		case <-tick.C:
		}
	}
}
