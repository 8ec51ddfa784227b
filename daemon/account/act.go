package account

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/password"
	"quorate.org/daemon/signin"
)

func (s *Server) passwd(ctx context.Context, r Request) error {
	if _, err := s.find(r.Name); err != nil {
		return err
	}
	return s.store(ctx, r)
}

// prove has who sets their own password know the one they have: a terminal that
// was left open is not theirs alone. A wrong one costs a pause, one after another
// however many are typed at once.
func (s *Server) prove(ctx context.Context, r Request) error {
	shadow, err := os.ReadFile(filepath.Join(s.Root, "/etc/shadow"))
	if err != nil {
		return fmt.Errorf("reading the accounts: %w", err)
	}
	if password.Missing(string(shadow), r.Name) {
		return nil
	}
	unlock, err := s.lock("guess-" + r.Name)
	if err != nil {
		return err
	}
	defer unlock()
	err = s.Right(ctx, r.Name, r.Current)
	if fault.CodeOf(err) == fault.NotPermitted {
		s.Pause(ctx)
	}
	return err
}

// store gives an account that is there its password.
func (s *Server) store(ctx context.Context, r Request) error {
	if err := password.Check(r.Password); err != nil {
		return err
	}
	if err := s.Store(ctx, r.Name, r.Password); err != nil {
		return err
	}
	if err := s.signOut(r.Name); err != nil { // whoever used the old one
		return err
	}
	return s.Opened(ctx)
}

// findOther finds an account that is not the system's first.
func (s *Server) findOther(name string) (person, error) {
	if name == password.Account {
		return person{}, fault.Mend(fault.WrongState, name+" is there to stay: the console sets its password", "give it another password, or take its keys: ssh-key remove")
	}
	return s.find(name)
}

func (s *Server) expire(ctx context.Context, r Request) error {
	p, err := s.findOther(r.Name)
	if err != nil {
		return err
	}
	until := r.Until
	if until == "never" {
		until = ""
	} else if _, err := time.Parse(time.DateOnly, until); err != nil {
		return fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is no day", until), "use year-month-day, such as 2027-03-31, or never")
	}
	if err := s.keepWayIn(p.name, func(a *Account) { a.Until = until }); err != nil {
		return err
	}
	return s.Tool(ctx, "usermod", "--expiredate", until, p.name)
}

func (s *Server) evict(ctx context.Context, r Request) error {
	p, err := s.find(r.Name)
	if err != nil {
		return err
	}
	return s.leave(ctx, p)
}

// leave ends all that an account has open: what runs as it, and its sessions of
// Web Admin, where nothing does.
func (s *Server) leave(ctx context.Context, p person) error {
	if err := s.signOut(p.name); err != nil {
		return err
	}
	return s.kill(ctx, p.uid)
}

// signOut ends the sessions of Web Admin.
func (s *Server) signOut(name string) error {
	return signin.End(filepath.Join(s.Root, signin.Socket), name)
}

// dying is how long processes may take to be gone once they are killed.
const dying = 5 * time.Second

// kill ends what runs under a user ID, and returns when nothing does: userdel(8)
// keeps an account that is in use. Processes that end by themselves are none.
func (s *Server) kill(ctx context.Context, uid string) error {
	ctx, cancel := context.WithTimeout(ctx, dying)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		pids := s.processes(uid)
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fault.Mend(fault.Timeout, "what runs under the account does not end", "try again; if it stays so, restart the node")
		}
	}
}

// tallies are where pam_faillock(8) counts wrong passwords, of Web Admin and SSH.
var tallies = []string{"/run/quorate/faillock", "/run/quorate/faillock-ssh"}

func (s *Server) unlock(_ context.Context, r Request) error {
	if !names.MatchString(r.Name) {
		return fault.New(fault.NotFound, fmt.Sprintf("there is no account %q", r.Name))
	}
	return s.forgive(r.Name)
}

// forgive forgets the wrong passwords of an account.
func (s *Server) forgive(name string) (failed error) {
	for _, dir := range tallies {
		failed = errors.Join(failed, ignoreAbsent(os.Remove(filepath.Join(s.Root, dir, name))))
	}
	return failed
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// words is a text without what breaks a line.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }
