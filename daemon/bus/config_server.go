package bus

import (
	"context"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// ConfigServer is what the configuration service implements. A returned
// *fault.Error reaches the caller whole. Methods run concurrently.
type ConfigServer interface {
	Settings(ctx context.Context, who Caller) ([]Setting, error)
	Values(ctx context.Context, who Caller) (map[string]any, error)
	Set(ctx context.Context, who Caller, values map[string]any) (generation uint64, err error)
	Unset(ctx context.Context, who Caller, keys []string) (generation uint64, err error)
	Reload(ctx context.Context, who Caller) (generation uint64, err error)
	ReadFile(ctx context.Context, who Caller) (string, error)
	WriteFile(ctx context.Context, who Caller, text string) (generation uint64, err error)
	UnitAction(ctx context.Context, who Caller, unit, action string) error
	Units(ctx context.Context) ([]Unit, error)
	Power(ctx context.Context, who Caller, act string) error
	SetHostname(ctx context.Context, who Caller, name string) error
	Hostname(ctx context.Context) (string, error)
	SetTimezone(ctx context.Context, who Caller, zone string) error
	Timezone(ctx context.Context) (string, error)
	SetKeyboard(ctx context.Context, who Caller, layout string) error
	Keyboard(ctx context.Context) (string, error)
	SetBanner(ctx context.Context, who Caller, text string) error
	Banner(ctx context.Context) (string, error)
	BackupSnapshot(ctx context.Context, who Caller, name, passphrase string) (file string, err error)
	Backups(ctx context.Context) ([]Backup, error)
	BackupFetch(ctx context.Context, who Caller, name string) ([]byte, error)
	BackupRemove(ctx context.Context, who Caller, name string) error
	RecoveryKey(ctx context.Context, who Caller) (string, error)
	BackupRollback(ctx context.Context, who Caller, name, passphrase string, parts []string, apply bool) ([]Step, error)
	FactoryReset(ctx context.Context, who Caller, scope string, force bool) ([]Step, error)
	Upgrades(ctx context.Context) (Upgrade, error)
	Upgrade(ctx context.Context, who Caller, file string) error
	UpgradeRollback(ctx context.Context, who Caller) error
}

// ConfigObject is the exported org.quorate.Config1.
type ConfigObject struct{ *object }

// ServeConfig exports impl as org.quorate.Config1 with its first properties and
// takes the name. audit may be nil.
func (c *Conn) ServeConfig(impl ConfigServer, first ConfigProperties, audit func(Change)) (*ConfigObject, error) {
	o, err := c.serve(configService, configHandlers(impl), first, audit)
	if err != nil {
		return nil, err
	}
	return &ConfigObject{o}, nil
}

// Changed publishes the generation and signals the keys whose value differs.
func (o *ConfigObject) Changed(generation uint64, keys []string) error {
	if err := o.publish(ConfigProperties{Generation: generation}); err != nil {
		return err
	}
	if keys == nil {
		keys = []string{}
	}
	return o.emit("Changed", generation, keys)
}

// Refused publishes why the files are not in force while generation stays, or
// with "" that they are.
func (o *ConfigObject) Refused(generation uint64, why string) error {
	return o.publish(ConfigProperties{Generation: generation, Refused: why})
}

func configHandlers(s ConfigServer) map[string]handler {
	return map[string]handler{
		"Settings": func(c *incoming) ([]any, error) { return answerList(s.Settings(c.ctx, c.caller)) },
		"Values":   func(c *incoming) ([]any, error) { return answerValues(s.Values(c.ctx, c.caller)) },
		"Set":      func(c *incoming) ([]any, error) { return answer(s.Set(c.ctx, c.caller, c.dict(0))) },
		"Unset":    func(c *incoming) ([]any, error) { return answer(s.Unset(c.ctx, c.caller, c.strs(0))) },
		"Reload":   func(c *incoming) ([]any, error) { return answer(s.Reload(c.ctx, c.caller)) },
		"ReadFile": func(c *incoming) ([]any, error) { return answer(s.ReadFile(c.ctx, c.caller)) },
		"WriteFile": func(c *incoming) ([]any, error) {
			return answer(s.WriteFile(c.ctx, c.caller, c.str(0)))
		},
		"UnitAction": func(c *incoming) ([]any, error) {
			return done(s.UnitAction(c.ctx, c.caller, c.str(0), c.str(1)))
		},
		"Units":       func(c *incoming) ([]any, error) { return answerList(s.Units(c.ctx)) },
		"Power":       func(c *incoming) ([]any, error) { return done(s.Power(c.ctx, c.caller, c.str(0))) },
		"SetHostname": func(c *incoming) ([]any, error) { return done(s.SetHostname(c.ctx, c.caller, c.str(0))) },
		"Hostname":    func(c *incoming) ([]any, error) { return answer(s.Hostname(c.ctx)) },
		"SetTimezone": func(c *incoming) ([]any, error) { return done(s.SetTimezone(c.ctx, c.caller, c.str(0))) },
		"Timezone":    func(c *incoming) ([]any, error) { return answer(s.Timezone(c.ctx)) },
		"SetKeyboard": func(c *incoming) ([]any, error) { return done(s.SetKeyboard(c.ctx, c.caller, c.str(0))) },
		"Keyboard":    func(c *incoming) ([]any, error) { return answer(s.Keyboard(c.ctx)) },
		"SetBanner":   func(c *incoming) ([]any, error) { return done(s.SetBanner(c.ctx, c.caller, c.str(0))) },
		"Banner":      func(c *incoming) ([]any, error) { return answer(s.Banner(c.ctx)) },
		"BackupSnapshot": func(c *incoming) ([]any, error) {
			return answer(s.BackupSnapshot(c.ctx, c.caller, c.str(0), c.str(1)))
		},
		"Backups":      func(c *incoming) ([]any, error) { return answerList(s.Backups(c.ctx)) },
		"BackupFetch":  func(c *incoming) ([]any, error) { return answerSealed(s.BackupFetch(c.ctx, c.caller, c.str(0))) },
		"BackupRemove": func(c *incoming) ([]any, error) { return done(s.BackupRemove(c.ctx, c.caller, c.str(0))) },
		"RecoveryKey":  func(c *incoming) ([]any, error) { return answer(s.RecoveryKey(c.ctx, c.caller)) },
		"BackupRollback": func(c *incoming) ([]any, error) {
			return answerList(s.BackupRollback(c.ctx, c.caller, c.str(0), c.str(1), c.strs(2), c.boolean(3)))
		},
		"FactoryReset": func(c *incoming) ([]any, error) {
			return answerList(s.FactoryReset(c.ctx, c.caller, c.str(0), c.boolean(1)))
		},
		"Upgrades":        func(c *incoming) ([]any, error) { return answerStruct(s.Upgrades(c.ctx)) },
		"Upgrade":         func(c *incoming) ([]any, error) { return done(s.Upgrade(c.ctx, c.caller, c.str(0))) },
		"UpgradeRollback": func(c *incoming) ([]any, error) { return done(s.UpgradeRollback(c.ctx, c.caller)) },
	}
}

func answerValues(values map[string]any, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	var m map[string]dbus.Variant
	if m, err = Variants(values); err != nil {
		return nil, fmt.Errorf("answering with values: %w", err)
	}
	return []any{m}, nil
}
