package confd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/settings"
	"quorate.org/daemon/settings/file"
)

// Machine is what the service asks of the system: *bus.Machine.
type Machine interface {
	UnitAction(ctx context.Context, unit, action string) error
	Units(ctx context.Context, patterns []string) ([]bus.Unit, error)
	Power(ctx context.Context, act string) error
	SetHostname(ctx context.Context, name string) error
	Hostname(ctx context.Context) (string, error)
	SetTimezone(ctx context.Context, zone string) error
	Timezone(ctx context.Context) (string, error)
	Forget(ctx context.Context, unit string) error
	Begin(ctx context.Context, unit string) error
	Busy(ctx context.Context, pattern string) (bool, error)
}

// Config is what a Service needs.
type Config struct {
	Dir        string // of quorate.toml and conf.d
	State      string // private folder of the last good configuration
	Exchange   string // the folder backups come and go by
	Recovery   string // the file with the recovery key of the disk; there is none where the disk is not encrypted
	Unlocked   string // the file that is there when it is
	Work       int    // what a guess at a backup's passphrase costs: backup.Work, or less in tests
	Report     string // the file that tells which versions are installed
	UpdateKeys string // the file with the keys of those who may sign updates
	Keymaps    string // folder of folders with the layouts of keyboards
	Machine    Machine
	Others     Others // of backup, rollback and factory reset
	Log        *slog.Logger
}

// Service implements bus.ConfigServer.
type Service struct {
	Config

	keeping sync.Mutex // held by one backup, rollback or factory reset at a time

	mu      sync.Mutex
	current *accepted                    // guarded by mu
	tell    func(uint64, []string) error // guarded by mu; nil until Announce
	refusal string                       // guarded by mu: why the files as they stand are not in force
	lament  func(uint64, string) error   // guarded by mu; nil until Lament
}

// Open brings a configuration in force: the files when they are good, else the
// last good one, else the defaults. Bad files are logged, not an error; a state
// folder that can not be written is.
func Open(c Config) (*Service, error) {
	s := &Service{Config: c}
	if err := finishReplacing(c.Dir, c.State); err != nil {
		return nil, err
	}
	last, err := recall(c.State)
	if err != nil {
		c.Log.Warn("the last good configuration is of no use", "error", err)
	}
	if s.current = last; last == nil {
		s.current = &accepted{Raw: settings.Raw{}}
	}
	_, err = s.reload()
	if fault.CodeOf(err) == fault.InvalidConfiguration {
		return s, nil // logged; what was recalled stays in force
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Announce says how to tell about a change from now on, and tells at once when
// the generation is no longer the published one. tell must not call back.
func (s *Service) Announce(published uint64, tell func(generation uint64, keys []string) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell = tell
	if s.current.Generation == published {
		return nil
	}
	return tell(s.current.Generation, nil)
}

// Lament says how to tell why the files are not in force, from now on, and tells
// at once. why is empty when they are. tell must not call back.
func (s *Service) Lament(tell func(generation uint64, why string) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lament = tell
	return tell(s.current.Generation, s.refusal)
}

// judged notes what became of the files as they stand. That it can not be told
// is no reason to refuse them; the next change tells it. It runs under mu.
func (s *Service) judged(why string) {
	if s.refusal = why; s.lament == nil {
		return
	}
	if err := s.lament(s.current.Generation, why); err != nil {
		s.Log.Warn("telling what became of the files", "error", err)
	}
}

// Generation is the number of the configuration in force.
func (s *Service) Generation() uint64 { return s.now().Generation }

func (s *Service) now() *accepted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// Hangup reloads for SIGHUP and returns the outcome in a line.
func (s *Service) Hangup() string {
	generation, err := s.reload()
	if err != nil {
		return fmt.Sprintf("configuration generation %d stays: the files were refused", s.Generation())
	}
	return fmt.Sprintf("configuration generation %d in force", generation)
}

func (s *Service) reload() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	loaded, err := s.check(nil)
	if err != nil {
		return 0, err
	}
	return s.accept(loaded)
}

// check reads the files, with drafts laid over. A refusal becomes a fault with
// every problem on a line of its own; one of the files as they stand is logged.
func (s *Service) check(overlay map[string][]byte) (*file.Loaded, error) {
	loaded, err := file.Load(s.Dir, overlay)
	if err == nil {
		return loaded, nil
	}
	if overlay == nil {
		s.Log.Error(fmt.Sprintf("the configuration files were refused; generation %d stays in force:\n%v", s.current.Generation, err), journal.ID(journal.ConfigRefused))
		s.judged(err.Error())
	}
	return nil, refused(err)
}

func refused(err error) error {
	return fault.Mend(fault.InvalidConfiguration, err.Error(), "mend the file, then systemctl reload quorate-config")
}

// accept brings loaded in force: stored first, then published, then told. An
// equal configuration keeps its generation. It runs under mu.
func (s *Service) accept(loaded *file.Loaded) (uint64, error) {
	next, err := s.prepare(loaded)
	if err != nil {
		return 0, err
	}
	return s.publish(next)
}

// put stores the configuration that loaded will be, then the file it was
// made from, and publishes it: on a disk without room nothing has changed. It
// runs under mu.
func (s *Service) put(loaded *file.Loaded, name string, text []byte) (uint64, error) {
	next, err := s.prepare(loaded)
	if err != nil {
		return 0, err
	}
	if err := file.Write(s.Dir, name, text); err != nil {
		// What was stored ahead is of no effect as long as the files are good.
		return 0, errors.Join(err, s.current.remember(s.State))
	}
	return s.publish(next)
}

// prepare makes and stores what comes next. An equal configuration is stored
// already: a disk without room does not keep the service from starting.
func (s *Service) prepare(loaded *file.Loaded) (*accepted, error) {
	next := &accepted{Generation: s.current.Generation, Raw: loaded.Raw, Sources: loaded.Sources}
	if len(settings.Differ(s.current.Raw, loaded.Raw)) > 0 || next.Generation == 0 {
		next.Generation++
	}
	err := next.remember(s.State)
	if err != nil && next.Generation == s.current.Generation {
		s.Log.Warn("storing the configuration in force, which did not change", "error", err)
		err = nil
	}
	return next, err
}

func (s *Service) publish(next *accepted) (uint64, error) {
	keys := settings.Differ(s.current.Raw, next.Raw)
	before := s.current
	s.current = next
	if next.Generation != before.Generation {
		s.report(before, next, keys)
		if s.tell != nil {
			if err := s.tell(next.Generation, keys); err != nil {
				return 0, err
			}
		}
	}
	s.judged("")
	return next.Generation, nil
}

// changesOf names each key that differs with both values, secrets masked.
func changesOf(before, next settings.Raw) (changes []string) {
	was, is := settings.Effective(before), settings.Effective(next)
	for _, name := range settings.Differ(before, next) {
		k, _ := settings.Find(name)
		changes = append(changes, fmt.Sprintf("%s from %s to %s", name, k.Shown(was[name]), k.Shown(is[name])))
	}
	return changes
}

// report journals what changed, key by key, secrets masked.
func (s *Service) report(before, next *accepted, keys []string) {
	var restart []string
	for _, name := range keys {
		if k, _ := settings.Find(name); k.Reload == settings.Restart {
			restart = append(restart, name)
		}
	}
	changes := changesOf(before.Raw, next.Raw)
	message := fmt.Sprintf("configuration generation %d in force", next.Generation)
	if len(changes) > 0 {
		message += ": " + strings.Join(changes, ", ")
	}
	s.Log.Info(message, "generation", next.Generation, journal.ID(journal.ConfigApplied))
	if len(restart) > 0 && before.Generation > 0 {
		s.Log.Warn(strings.Join(restart, ", ")+": takes effect at once, and the streams of this node end", journal.ID(journal.ConfigRestart))
	}
}
