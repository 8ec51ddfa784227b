package shell

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

type testConfig struct{ *testNode }

func (c testConfig) Settings(context.Context, bus.Caller) ([]bus.Setting, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []bus.Setting
	for _, key := range slices.Sorted(maps.Keys(c.values)) {
		kind := "text"
		if _, is := c.values[key].([]string); is {
			kind = "list"
		}
		source := "default"
		if key == c.own {
			source = "conf.d/90-quorate.toml:7"
		}
		all = append(all, bus.Setting{Key: key, Type: kind, Value: fmt.Sprint(c.values[key]), Source: source, Scope: c.scope})
	}
	return all, nil
}

func (c testConfig) Values(context.Context, bus.Caller) (map[string]any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.values), nil
}

func (c testConfig) Set(_ context.Context, _ bus.Caller, values map[string]any) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		c.values[key] = values[key]
		c.did("set %s=%v", key, values[key])
	}
	c.generation++
	return c.generation, nil
}

// next makes a new generation.
func (c testConfig) next(note string) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.did("%s", note)
	c.generation++
	return c.generation, nil
}

func (c testConfig) Unset(_ context.Context, _ bus.Caller, keys []string) (uint64, error) {
	return c.next("unset " + strings.Join(keys, " "))
}

func (c testConfig) Reload(context.Context, bus.Caller) (uint64, error) {
	return c.next("reload")
}

func (c testConfig) ReadFile(context.Context, bus.Caller) (string, error) { return c.file, nil }

func (c testConfig) WriteFile(_ context.Context, _ bus.Caller, text string) (uint64, error) {
	if strings.Contains(text, "bad") {
		return 0, fault.New(fault.InvalidConfiguration, "quorate.toml:2: bad: there is no such key\nquorate.toml:3: xmpp.enabled: not a boolean")
	}
	return c.next("write " + strings.TrimSpace(text))
}

func (c testConfig) UnitAction(_ context.Context, _ bus.Caller, unit, action string) error {
	return c.act(action+" "+unit, nothing)
}

func (c testConfig) Units(context.Context) ([]bus.Unit, error) {
	return []bus.Unit{{Name: "quorate-xmpp.service", Active: "active", Sub: "running"}}, nil
}

func (c testConfig) Power(_ context.Context, _ bus.Caller, act string) error {
	return c.act("power "+act, nothing)
}

func (c testConfig) SetHostname(_ context.Context, _ bus.Caller, name string) error {
	return c.act("hostname "+name, nothing)
}

func (c testConfig) Hostname(context.Context) (string, error) { return "cb1", nil }

func (c testConfig) SetTimezone(_ context.Context, _ bus.Caller, zone string) error {
	return c.act("zone "+zone, nothing)
}

func (c testConfig) Timezone(context.Context) (string, error) { return "Etc/UTC", nil }

func (c testConfig) SetKeyboard(_ context.Context, _ bus.Caller, layout string) error {
	return c.act("keyboard "+layout, nothing)
}

func (c testConfig) Keyboard(context.Context) (string, error) { return "us", nil }

func (c testConfig) SetBanner(_ context.Context, _ bus.Caller, text string) error {
	return c.act("banner "+text, nothing)
}

func (c testConfig) Banner(context.Context) (string, error) { return "Keep out\n", nil }

func (c testConfig) BackupSnapshot(_ context.Context, _ bus.Caller, name, passphrase string) (string, error) {
	return name + ".quorate-backup", c.act("snapshot "+name+" "+passphrase, nothing)
}

func (c testConfig) Backups(context.Context) ([]bus.Backup, error) {
	return []bus.Backup{
		{File: "monday.quorate-backup", Size: 4321, Host: "cb2", NodeID: "aa", Cluster: "cc", Version: "0.1.0", Created: "2026-11-21T08:00:00Z"},
		{File: "torn.quorate-backup", Size: 12, Problem: "the backup is damaged: it is not whole, or was changed on its way"},
	}, nil
}

func (c testConfig) BackupFetch(context.Context, bus.Caller, string) ([]byte, error) {
	return nil, fault.New(fault.NotFound, "the shell fetches by SFTP")
}

func (c testConfig) BackupRemove(context.Context, bus.Caller, string) error {
	return fault.New(fault.NotFound, "the shell removes by SFTP")
}

func (c testConfig) RecoveryKey(context.Context, bus.Caller) (string, error) {
	return "cbdefghi-jklnrtuv", nil
}

func (c testConfig) BackupRollback(_ context.Context, _ bus.Caller, name, passphrase string, parts []string, apply bool) ([]bus.Step, error) {
	if passphrase == "wrong" {
		return nil, fault.Mend(fault.WrongSecret, "the passphrase does not open the backup", "give the passphrase it was made with")
	}
	if apply {
		if err := c.act("rollback "+strings.Join(append([]string{name}, parts...), " "), nothing); err != nil {
			return nil, err
		}
	}
	return []bus.Step{{Name: "settings", OK: true, Text: "changed: xmpp.listen"}, {Name: "state", Text: "the cluster's data are the cluster's"}}, nil
}

func (c testConfig) Upgrades(context.Context) (bus.Upgrade, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.upgrade, nil
}

func (c testConfig) Upgrade(_ context.Context, _ bus.Caller, file string) error {
	return c.act("upgrade "+file, nothing)
}

func (c testConfig) UpgradeRollback(context.Context, bus.Caller) error {
	return c.act("upgrade rollback", nothing)
}

func (c testConfig) FactoryReset(_ context.Context, _ bus.Caller, scope string, force bool) ([]bus.Step, error) {
	return []bus.Step{{Name: "xmpp", OK: true, Text: "XMPP state removed"}}, c.act(fmt.Sprintf("factory reset %s force=%v", scope, force), nothing)
}
