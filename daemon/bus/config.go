package bus

import (
	"context"

	"github.com/godbus/dbus/v5"

	"quorate.org/daemon/fault"
)

// Config calls org.quorate.Config1. Every method's error is a *fault.Error or
// the end of the caller's context. A generation numbers one accepted
// configuration; it only grows.
type Config struct{ client }

// Config returns the client of the configuration service; it makes no call.
func (c *Conn) Config() *Config { return &Config{client{c, configService}} }

// ConfigProperties are the properties of org.quorate.Config1.
type ConfigProperties struct {
	Generation uint64 `json:"Generation"`
	Refused    string `json:"Refused"` // why the files as they stand are not in force; empty when they are
}

// Settings lists every key of the schema with its effective value and source.
func (c *Config) Settings(ctx context.Context) ([]Setting, error) {
	return getList[Setting](ctx, c.client, quick, "Settings")
}

// Values returns the effective values by key as plain Go values, and the
// generation they belong to under "generation". settings.Decode reads them.
func (c *Config) Values(ctx context.Context) (map[string]any, error) {
	m, err := get[map[string]dbus.Variant](ctx, c.client, quick, "Values")
	if err != nil {
		return nil, err
	}
	return Native(m), nil
}

// Set stores values by key in the service's own drop-in. A value is of the
// setting's native type or a string in the form of the file.
func (c *Config) Set(ctx context.Context, values map[string]any) (generation uint64, err error) {
	m, err := Variants(values)
	if err != nil {
		return 0, fault.New(fault.InvalidArgument, err.Error())
	}
	return get[uint64](ctx, c.client, work, "Set", m)
}

// Unset removes keys from the service's own drop-in.
func (c *Config) Unset(ctx context.Context, keys []string) (generation uint64, err error) {
	return get[uint64](ctx, c.client, work, "Unset", keys)
}

// Reload reads the files again. A refusal is fault.InvalidConfiguration with
// every "file:line: key: reason" on a line of its own.
func (c *Config) Reload(ctx context.Context) (generation uint64, err error) {
	return get[uint64](ctx, c.client, work, "Reload")
}

// ReadFile returns the text of quorate.toml.
func (c *Config) ReadFile(ctx context.Context) (string, error) {
	return get[string](ctx, c.client, quick, "ReadFile")
}

// WriteFile checks and replaces quorate.toml.
func (c *Config) WriteFile(ctx context.Context, text string) (generation uint64, err error) {
	return get[uint64](ctx, c.client, work, "WriteFile", text)
}

// UnitAction starts, stops, restarts, reloads, enables or disables a unit and
// waits for the job.
func (c *Config) UnitAction(ctx context.Context, unit, action string) error {
	return c.do(ctx, long, "UnitAction", unit, action)
}

// Units lists the units of the product and those it leans on.
func (c *Config) Units(ctx context.Context) ([]Unit, error) {
	return getList[Unit](ctx, c.client, quick, "Units")
}

// Power acts on the machine: "reboot" or "poweroff".
func (c *Config) Power(ctx context.Context, act string) error {
	return c.do(ctx, work, "Power", act)
}

// SetHostname sets the static host name.
func (c *Config) SetHostname(ctx context.Context, name string) error {
	return c.do(ctx, work, "SetHostname", name)
}

// Hostname returns the static host name.
func (c *Config) Hostname(ctx context.Context) (string, error) {
	return get[string](ctx, c.client, quick, "Hostname")
}

// SetTimezone sets the time zone, by its name in the time zone database.
func (c *Config) SetTimezone(ctx context.Context, zone string) error {
	return c.do(ctx, work, "SetTimezone", zone)
}

// Timezone returns the name of the time zone.
func (c *Config) Timezone(ctx context.Context) (string, error) {
	return get[string](ctx, c.client, quick, "Timezone")
}

// SetKeyboard sets the layout of the keyboard at the machine.
func (c *Config) SetKeyboard(ctx context.Context, layout string) error {
	return c.do(ctx, work, "SetKeyboard", layout)
}

// Keyboard returns the layout of the keyboard at the machine.
func (c *Config) Keyboard(ctx context.Context) (string, error) {
	return get[string](ctx, c.client, quick, "Keyboard")
}

// SetBanner sets what SSH shows before anybody signs in; empty takes it away.
func (c *Config) SetBanner(ctx context.Context, text string) error {
	return c.do(ctx, work, "SetBanner", text)
}

// Banner returns what SSH shows before anybody signs in.
func (c *Config) Banner(ctx context.Context) (string, error) {
	return get[string](ctx, c.client, quick, "Banner")
}

// BackupSnapshot seals a backup of this node under a passphrase and returns the
// file in the exchange folder.
func (c *Config) BackupSnapshot(ctx context.Context, name, passphrase string) (file string, err error) {
	return get[string](ctx, c.client, long, "BackupSnapshot", name, passphrase)
}

// Backups lists those in the exchange folder.
func (c *Config) Backups(ctx context.Context) ([]Backup, error) {
	return getList[Backup](ctx, c.client, work, "Backups")
}

// BackupFetch returns a backup of the exchange folder as it lies there, sealed.
func (c *Config) BackupFetch(ctx context.Context, name string) ([]byte, error) {
	fd, err := get[dbus.UnixFD](ctx, c.client, work, "BackupFetch", name)
	if err != nil {
		return nil, err
	}
	return readSealed(fd)
}

// BackupRemove removes a backup from the exchange folder.
func (c *Config) BackupRemove(ctx context.Context, name string) error {
	return c.do(ctx, work, "BackupRemove", name)
}

// RecoveryKey returns the key that opens the encrypted disk of this node when its
// TPM does not. fault.NotFound says that the disk is not encrypted.
func (c *Config) RecoveryKey(ctx context.Context) (string, error) {
	return get[string](ctx, c.client, work, "RecoveryKey")
}

// BackupRollback says what restoring parts of a backup changes (no parts: all),
// and with apply restores them, all or none.
func (c *Config) BackupRollback(ctx context.Context, name, passphrase string, parts []string, apply bool) ([]Step, error) {
	if parts == nil {
		parts = []string{}
	}
	return getList[Step](ctx, c.client, ceiling, "BackupRollback", name, passphrase, parts, apply)
}

// FactoryReset removes what Quorate keeps on this node ("app"); force makes a
// cluster member go without leaving.
func (c *Config) FactoryReset(ctx context.Context, scope string, force bool) ([]Step, error) {
	return getList[Step](ctx, c.client, ceiling, "FactoryReset", scope, force)
}

// Upgrades tells the versions on this node, the updates in the exchange folder,
// and how far an upgrade is.
func (c *Config) Upgrades(ctx context.Context) (Upgrade, error) {
	return getStruct[Upgrade](ctx, c.client, work, "Upgrades")
}

// Upgrade begins to install an update of the exchange folder; Upgrades tells how
// far it is.
func (c *Config) Upgrade(ctx context.Context, file string) error {
	return c.do(ctx, work, "Upgrade", file)
}

// UpgradeRollback begins to make the other version the one that starts.
func (c *Config) UpgradeRollback(ctx context.Context) error {
	return c.do(ctx, work, "UpgradeRollback")
}

// Properties reads the published properties.
func (c *Config) Properties(ctx context.Context) (ConfigProperties, error) {
	return properties[ConfigProperties](ctx, c.client)
}

// Watch ticks whenever a configuration was accepted or the service came or went.
func (c *Config) Watch(ctx context.Context) (<-chan struct{}, error) { return c.watch(ctx) }
