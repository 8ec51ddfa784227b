package password

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"time"

	"quorate.org/daemon/errand"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/signin"
)

// Server answers one connection.
type Server struct {
	Files
	Store  func(ctx context.Context, password string) error // nil: chpasswd
	Reload func(ctx context.Context) error                  // has sshd read its files again
	Log    *slog.Logger
}

// Serve reads one request and answers it. The error is one of the connection; a
// refusal is none.
func (s *Server) Serve(ctx context.Context, conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("limiting the conversation: %w", err)
	}
	var r request
	if err := errand.Receive(conn, longest, &r); err != nil {
		return err
	}
	want, err := s.want()
	if err == nil && r.Password != "" {
		err = s.set(ctx, want, r.Password)
		want = None
	}
	if err != nil {
		s.Log.ErrorContext(ctx, "setting the password of "+Account+" at the console: "+err.Error())
		return errand.Send(conn, answer{Error: errand.Refuse(err)})
	}
	return errand.Send(conn, answer{Want: want})
}

func (s *Server) want() (Want, error) {
	missing, err := s.Missing()
	switch {
	case err != nil:
		return None, err
	case s.recovering():
		return Recover, nil
	case missing:
		return First, nil
	}
	return None, nil
}

// set stores the password first: what comes after it only makes it of use.
func (s *Server) set(ctx context.Context, want Want, password string) error {
	if want == None {
		return fault.Mend(fault.NotPermitted, Account+" has a password already", "sign in with it; if it is lost, start the node with quorate.recover=1")
	}
	if err := Check(password); err != nil {
		return err
	}
	put := s.Store
	if put == nil {
		put = store
	}
	if err := put(ctx, password); err != nil {
		return err
	}
	s.Log.WarnContext(ctx, "the password of "+Account+" was set at the console", "user", Account, "why", string(want), journal.ID(journal.PasswordSet))
	if err := os.Remove(s.Recover); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ending the recovery: %w", err)
	}
	if err := signin.End(s.SignIn, Account); err != nil {
		return err
	}
	if err := s.OpenSSH(); err != nil {
		return err
	}
	if err := s.Reload(ctx); err != nil {
		s.Log.ErrorContext(ctx, "having SSH take passwords of "+Account+": "+err.Error())
		return fault.Mend(fault.CodeOf(err), "the password is set, and SSH does not take it yet", "systemctl restart ssh")
	}
	return nil
}
