package confd

import (
	"context"
	"log/slog"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/settings"
	"quorate.org/daemon/settings/file"
)

// FactoryReset removes what Quorate keeps on this node ("app"), where accounts
// and network stay, or all that the node has ever written ("full").
func (s *Service) FactoryReset(ctx context.Context, who bus.Caller, scope string, force bool) ([]bus.Step, error) {
	if scope != "app" && scope != "full" {
		return nil, fault.Mend(fault.InvalidArgument, "there is no factory reset of "+scope, "factory_reset app, or factory_reset full")
	}
	if err := s.alone(); err != nil {
		return nil, err
	}
	defer s.keeping.Unlock()
	steps, err := s.resetApp(ctx, scope, force)
	if err != nil {
		return nil, err
	}
	s.Log.Warn(who.String()+" reset this node to factory settings ("+scope+")", slog.String("caller", who.User), slog.String("caller_from", who.From), journal.ID(journal.FactoryReset))
	if scope == "app" {
		return steps, nil
	}
	// Accounts, host keys and the journal belong to services that are running.
	return append(steps, bus.Step{Name: "full", OK: true, Text: "restarting, to erase accounts, passwords, host keys, network settings and the journal"}),
		s.Machine.UnitAction(ctx, eraser, "start")
}

// resetApp has a member leave its cluster first, while it still can; the
// certificates go last, when no setting names them any more.
func (s *Service) resetApp(ctx context.Context, scope string, force bool) ([]bus.Step, error) {
	if err := s.leave(ctx, scope, force); err != nil {
		return nil, err
	}
	if err := s.forget(ctx); err != nil {
		return nil, err
	}
	if err := s.Others.Certificates.Clear(ctx); err != nil {
		return nil, err
	}
	return []bus.Step{
		{Name: "xmpp", OK: true, Text: "node key, membership, call bridges and accounts removed"},
		{Name: "settings", OK: true, Text: "settings at their defaults"},
		{Name: "certificates", OK: true, Text: "private keys, certificates and the exchange folder removed"},
		s.forgetWeb(ctx),
	}, nil
}

// eraser marks all that this node has written for the next start to erase before
// it reads any of it, and restarts the machine.
const eraser = "quorate-erase.service"

func (s *Service) leave(ctx context.Context, scope string, force bool) error {
	err := s.Others.Xmpp.Reset(ctx, force)
	if fault.CodeOf(err) == fault.WrongState {
		return fault.Mend(fault.WrongState, reason(err)+", nothing was changed", "factory_reset "+scope+" --force")
	}
	return err
}

// forget puts the settings at their defaults. What the files said seeds a node
// whose state is empty, hence the second reset behind it.
func (s *Service) forget(ctx context.Context) error {
	if _, err := s.replace(map[string][]byte{file.Main: []byte(settings.DefaultFile())}, true); err != nil {
		return err
	}
	if _, err := s.Others.Xmpp.Applied(ctx, s.Generation()); err != nil {
		return err
	}
	return s.Others.Xmpp.Reset(ctx, true)
}

// forgetWeb removes the self-made certificate of Web Admin, which belongs to a
// user whose files this service may not touch.
func (s *Service) forgetWeb(ctx context.Context) bus.Step {
	if err := s.Machine.Forget(ctx, "quorate-web.service"); err != nil {
		return bus.Step{Name: "web", Text: "the self-made certificate of Web Admin stays: " + reason(err), Remedy: "systemctl clean --what=state quorate-web"}
	}
	return bus.Step{Name: "web", OK: true, Text: "the self-made certificate of Web Admin removed, everyone signed out there"}
}
