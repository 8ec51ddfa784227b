package confd

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"quorate.org/daemon/backup"
	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// Keeper is a service that keeps something in backups: a JSON object with a
// field for each part.
type Keeper interface {
	Save(ctx context.Context) ([]byte, error)
	Restore(ctx context.Context, data []byte, apply bool) ([]bus.Step, error)
}

// Others are the other services as backups and resets need them.
type Others struct {
	Certificates interface {
		Keeper
		Clear(ctx context.Context) error
	}
	Xmpp interface {
		Keeper
		Reset(ctx context.Context, force bool) error
		Applied(ctx context.Context, generation uint64) ([]bus.Step, error)
	}
}

// keeper is a service with its parts.
type keeper struct {
	Keeper
	parts []string
}

// keepers lists the services in the order their parts are restored.
func (s *Service) keepers() []keeper {
	return []keeper{
		{s.Others.Certificates, []string{backup.Certificates}},
		{ownFiles{s}, []string{backup.Settings}},
		{s.Others.Xmpp, []string{backup.State, backup.Identity}},
	}
}

// alone takes the lock that one act on the whole node holds, or says who has it.
func (s *Service) alone() error {
	if s.Others.Certificates == nil || s.Others.Xmpp == nil {
		return fault.New(fault.Unavailable, "this service knows of no others")
	}
	if !s.keeping.TryLock() {
		return fault.Mend(fault.WrongState, "another backup, rollback or factory reset is under way", "try again in a moment")
	}
	return nil
}

// BackupSnapshot seals what all services keep, and puts it into the exchange
// folder.
func (s *Service) BackupSnapshot(ctx context.Context, who bus.Caller, name, passphrase string) (string, error) {
	name, err := backup.FileOf(name)
	if err != nil {
		return "", err
	}
	if err := s.alone(); err != nil {
		return "", err
	}
	defer s.keeping.Unlock()
	parts, err := s.collect(ctx)
	if err != nil {
		return "", err
	}
	if err := s.deposit(name, parts, passphrase); err != nil {
		return "", err
	}
	s.Log.Warn(fmt.Sprintf("%s made the backup %s of this node, private keys included", who, name), slog.String("file", name),
		slog.String("caller", who.User), slog.String("caller_from", who.From), journal.ID(journal.BackupMade))
	return name, nil
}

// collect asks every service for its parts.
func (s *Service) collect(ctx context.Context) (map[string][]byte, error) {
	parts := map[string][]byte{}
	for _, k := range s.keepers() {
		data, err := k.Save(ctx)
		if err != nil {
			return nil, err
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(data, &fields); err != nil {
			return nil, fmt.Errorf("reading what is kept of %s: %w", strings.Join(k.parts, " and "), err)
		}
		for _, name := range k.parts {
			if field, ok := fields[name]; ok {
				parts[name] = field
			}
		}
	}
	return parts, nil
}

// deposit seals parts as a new file of the exchange folder.
func (s *Service) deposit(name string, parts map[string][]byte, passphrase string) error {
	var f backup.Facts
	if err := json.Unmarshal(parts[backup.Identity], &f); err != nil {
		return fmt.Errorf("reading whose backup it is: %w", err)
	}
	f.Created = time.Now()
	data, err := backup.Seal(f, parts, passphrase, s.Work)
	if err != nil {
		return err
	}
	return newFile(s.Exchange, name, data)
}

// BackupRollback restores parts of a backup, or with apply false only says what
// that would change. Every part is checked by its service before the first one
// changes; if one then fails all the same, the others are put back.
func (s *Service) BackupRollback(ctx context.Context, who bus.Caller, name, passphrase string, asked []string, apply bool) ([]bus.Step, error) {
	name, err := backup.FileOf(name)
	if err != nil {
		return nil, err
	}
	if err := s.alone(); err != nil {
		return nil, err
	}
	defer s.keeping.Unlock()
	m, parts, err := s.open(name, passphrase)
	if err != nil {
		return nil, err
	}
	if err := keepOnly(parts, asked); err != nil {
		return nil, err
	}
	steps := []bus.Step{{Name: "backup", OK: true, Text: fmt.Sprintf("of %s, made %s with version %s", m.Host, m.Created.Format(time.DateTime+" UTC"), m.Version)}}
	changes, err := s.weigh(ctx, parts, asked)
	if steps = append(steps, changes...); err != nil || !apply {
		return steps, err
	}
	if err := s.rollBack(ctx, parts, passphrase); err != nil {
		return nil, err
	}
	s.Log.Warn(fmt.Sprintf("%s restored %s from the backup %s of %s", who, strings.Join(there(parts), ", "), name, m.Host), slog.String("file", name),
		slog.String("caller", who.User), slog.String("caller_from", who.From), journal.ID(journal.BackupRestored))
	return steps, nil
}

func (s *Service) open(name, passphrase string) (backup.Manifest, map[string][]byte, error) {
	data, err := readFile(s.Exchange, name)
	if err != nil {
		return backup.Manifest{}, nil, err
	}
	return backup.Open(data, passphrase)
}

// keepOnly drops the parts that nobody asked for.
func keepOnly(parts map[string][]byte, asked []string) error {
	chosen, err := backup.Choose(asked, there(parts))
	for name := range parts {
		if !slices.Contains(chosen, name) {
			delete(parts, name)
		}
	}
	return err
}

// there lists the parts in the order they are restored.
func there(parts map[string][]byte) (names []string) {
	for _, name := range backup.Parts {
		if _, ok := parts[name]; ok {
			names = append(names, name)
		}
	}
	return names
}

// weigh has each service check its parts. A part that can not be restored here
// is dropped, unless it was asked for by name.
func (s *Service) weigh(ctx context.Context, parts map[string][]byte, asked []string) (steps []bus.Step, err error) {
	for _, k := range s.keepers() {
		data := k.some(parts)
		if data == nil {
			continue
		}
		changes, err := k.Restore(ctx, data, false)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if !c.OK && slices.Contains(asked, c.Name) {
				return nil, fault.Mend(fault.WrongState, c.Text, c.Remedy)
			}
			if !c.OK {
				delete(parts, c.Name)
			}
		}
		steps = append(steps, changes...)
	}
	return steps, nil
}

// some returns the parts of this service as it gave them, nil when there are none.
func (k keeper) some(parts map[string][]byte) []byte {
	fields := map[string]json.RawMessage{}
	for _, name := range k.parts {
		if data, ok := parts[name]; ok {
			fields[name] = data
		}
	}
	if len(fields) == 0 {
		return nil
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return []byte("a part is no JSON") // which its service refuses
	}
	return data
}

// rollBack restores what is left of parts. What was there lies in the exchange
// folder meanwhile, sealed under the same passphrase, in case the node loses
// power; and it is put back when a service fails.
func (s *Service) rollBack(ctx context.Context, parts map[string][]byte, passphrase string) error {
	before, err := s.collect(ctx)
	if err != nil {
		return err
	}
	safe := "before-rollback-" + time.Now().UTC().Format("20060102T150405") + backup.Suffix
	if err := s.deposit(safe, before, passphrase); err != nil {
		return err
	}
	var done []keeper
	for _, k := range s.keepers() {
		data := k.some(parts)
		if data == nil {
			continue
		}
		if _, err := k.Restore(ctx, data, true); err != nil {
			return s.undo(ctx, done, before, safe, err)
		}
		done = append(done, k)
	}
	return removeFile(s.Exchange, safe)
}

// undo puts back what was there, the last restored first.
func (s *Service) undo(ctx context.Context, done []keeper, before map[string][]byte, safe string, why error) error {
	ctx = context.WithoutCancel(ctx)
	for _, k := range slices.Backward(done) {
		if _, err := k.Restore(ctx, k.some(before), true); err != nil {
			return fault.Mend(fault.Internal, fmt.Sprintf("the rollback failed half-way (%v) and could not be undone (%v)", why, err),
				"backup rollback "+strings.TrimSuffix(safe, backup.Suffix)+", with the same passphrase")
		}
	}
	if err := removeFile(s.Exchange, safe); err != nil {
		s.Log.Warn("removing what was kept for a rollback", "error", err)
	}
	return fault.Mend(fault.CodeOf(why), "the rollback was undone: "+why.Error(), "journalctl -u quorate-config -u quorate-xmpp -u quorate-cert")
}
