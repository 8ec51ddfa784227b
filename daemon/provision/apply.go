package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/keymap"
	"quorate.org/daemon/password"
)

// Node is where a Plan goes.
type Node struct {
	Root     string                                         // "/" but in tests
	State    string                                         // folder that remembers what was applied
	Password password.Files                                 // of the administrator
	Hash     func(ctx context.Context, hash string) error   // stores the hash of a password
	Applied  func(ctx context.Context, key, where string)   // told of each value that was applied
	Failed   func(ctx context.Context, key string, _ error) // told of each that could not be
}

// recordName is the file of State with a line for each key that was applied.
const recordName = "applied"

// Apply writes what a Plan says and this node has not had yet. What can not be
// written is told to Failed and tried again at the next start.
func (n Node) Apply(ctx context.Context, p Plan) {
	done := n.record()
	for _, s := range n.steps(p) {
		if s.empty || slices.Contains(done, s.key) {
			continue
		}
		where, err := s.act(ctx)
		if err != nil {
			n.Failed(ctx, s.key, err)
			continue
		}
		if where != "" {
			n.Applied(ctx, s.key, where)
		}
		if s.key != Recover { // an act of one boot
			done = append(done, s.key)
		}
	}
	if err := n.remember(done); err != nil {
		n.Failed(ctx, "the record", err)
	}
}

// step is one value on its way: act returns where it went, empty when what is
// there already stays.
type step struct {
	key   string
	empty bool
	act   func(context.Context) (where string, err error)
}

func (n Node) steps(p Plan) []step {
	text := func(key, name, text string) step {
		return step{key, text == "", func(context.Context) (string, error) { return n.write(name, text) }}
	}
	return []step{
		{Hostname, p.Hostname == "", func(context.Context) (string, error) { return n.hostname(p.Hostname) }},
		text(Address, "/etc/systemd/network/70-provisioned.network", p.NetworkFile()),
		text(DNS, "/etc/systemd/resolved.conf.d/50-provisioned.conf", p.ResolvedFile()),
		text(NTP, "/etc/systemd/timesyncd.conf.d/50-provisioned.conf", p.TimesyncFile()),
		{Timezone, p.Timezone == "", func(context.Context) (string, error) { return n.timezone(p.Timezone) }},
		{Keyboard, p.Keyboard == "", func(context.Context) (string, error) { return n.keyboard(p.Keyboard) }},
		text(AuthorizedKeys, "/etc/ssh/authorized_keys.d/admin", p.KeysFile()),
		{HashedPassword, p.HashedPassword == "", func(ctx context.Context) (string, error) { return n.password(ctx, p.HashedPassword) }},
		text(Config, "/etc/quorate/conf.d/50-provisioned.toml", p.Config),
		{Recover, !p.Recover, n.recover},
	}
}

// write makes a file, whole or not at all, unless there is one.
func (n Node) write(name, text string) (string, error) {
	path := filepath.Join(n.Root, name)
	if _, err := os.Lstat(path); err == nil {
		return "", nil
	}
	return name, put(path, text)
}

func put(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Replace(path, []byte(text), 0o644)
}

// hostname also tells the kernel, whose name was set before this ran.
func (n Node) hostname(name string) (string, error) {
	where, err := n.write("/etc/hostname", name+"\n")
	if where == "" || err != nil {
		return where, err
	}
	return where, os.WriteFile(filepath.Join(n.Root, "/proc/sys/kernel/hostname"), []byte(name+"\n"), 0o644)
}

const zones = "/usr/share/zoneinfo"

// timezone links /etc/localtime as localtime(5) wants it, unless it is linked to
// a zone other than that of a new system.
func (n Node) timezone(zone string) (string, error) {
	if info, err := os.Stat(filepath.Join(n.Root, zones, zone)); err != nil || info.IsDir() {
		return "", fault.New(fault.NotFound, "this system has no time zone "+zone)
	}
	link := filepath.Join(n.Root, "/etc/localtime")
	now, err := os.Readlink(link)
	if err == nil && !strings.HasSuffix(now, "/UTC") {
		return "", nil
	}
	next := link + ".new"
	if err := errors.Join(ignoreAbsent(os.Remove(next)), os.Symlink(".."+zones+"/"+zone, next)); err != nil {
		return "", err
	}
	return "/etc/localtime", os.Rename(next, link)
}

// keyboard is loaded by quorate-keyboard.service, which starts later.
func (n Node) keyboard(layout string) (string, error) {
	if !keymap.Has(filepath.Join(n.Root, keymap.Dir), layout) {
		return "", fault.New(fault.NotFound, "this system has no keyboard layout "+layout)
	}
	return n.write("/etc/quorate/keyboard", "KEYMAP="+layout+"\n")
}

func (n Node) password(ctx context.Context, hash string) (string, error) {
	missing, err := n.Password.Missing()
	if err != nil || !missing {
		return "", err
	}
	if err := n.Hash(ctx, hash); err != nil {
		return "", err
	}
	return "the account " + password.Account, n.Password.OpenSSH()
}

func (n Node) recover(context.Context) (string, error) {
	return n.Password.Recover, put(n.Password.Recover, "")
}

// record returns the keys that were applied; of one that can not be read nothing
// is known, and what is there stays all the same.
func (n Node) record() []string {
	text, err := os.ReadFile(filepath.Join(n.State, recordName))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

func (n Node) remember(keys []string) error {
	if slices.Equal(keys, n.record()) {
		return nil
	}
	if err := put(filepath.Join(n.State, recordName), strings.Join(keys, "\n")+"\n"); err != nil {
		return fmt.Errorf("remembering what was applied: %w", err)
	}
	return nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
