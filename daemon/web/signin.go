package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/signin"
)

// account is a person whose password was right.
type account struct {
	user  string
	role  bus.Role
	conn  *bus.Conn   // opened by the person's own account
	ended func() bool // as of session
}

// opener signs a person in. A refusal is a fault.NotPermitted that does not
// tell a wrong name from a wrong password.
type opener func(ctx context.Context, user, password, from string) (*account, error)

// signInService asks the service that holds the privilege.
func (s *Server) signInService(ctx context.Context, user, password, from string) (*account, error) {
	opened, err := signin.Open(ctx, s.cfg.SignIn, user, password, from)
	if err != nil {
		return nil, err
	}
	conn, err := bus.Over(opened.Conn, opened.UID)
	if err != nil {
		return nil, err
	}
	return &account{opened.User, opened.Role, conn, opened.Ended}, nil
}

// Limits of sign-ins. refusalTime is longer than PAM takes for any wrong
// password, so that the answer to a name that exists takes no other time than
// that to one that does not.
const (
	refusalTime    = 4 * time.Second
	maxCredentials = 256 // characters of a name or a password
	maxAttempts    = 8   // at the same time
)

func (s *Server) serveSignIn(w http.ResponseWriter, r *http.Request) {
	if !s.method(w, r, http.MethodGet, http.MethodHead, http.MethodPost) {
		return
	}
	if r.Method == http.MethodPost {
		s.attempt(w, r)
		return
	}
	if s.session(r) != nil {
		redirect(w, s.after(r.URL.Query().Get("next")))
		return
	}
	s.signInPage(w, r, http.StatusOK, nil)
}

// after returns the page to show after a sign-in: one of ours, whatever the
// address says.
func (s *Server) after(next string) string {
	for _, p := range s.pages {
		if p.path == next {
			return next
		}
	}
	return "/status"
}

// signInPage shows the form, with why the last attempt failed.
func (s *Server) signInPage(w http.ResponseWriter, r *http.Request, code int, why *fault.Error) {
	f := s.frame(nil, "/signin", "Sign in")
	f.Fault, f.Form = why, typed(r.Form)
	if f.Form == nil {
		f.Form = r.URL.Query()
	}
	if next := r.URL.Query().Get("next"); next != "" {
		f.Form.Set("next", s.after(next))
	}
	s.draw(w, r, "signin.html", f, code)
}

// attempt is one sign-in. The session it makes is new, whatever cookie came
// with it, and the one of that cookie ends.
func (s *Server) attempt(w http.ResponseWriter, r *http.Request) {
	v := &visit{request: r}
	if err := v.read(w, 0); err != nil {
		s.refuse(w, r, statusOf(err), asFault(err))
		return
	}
	user, password, place := v.form.Get("user"), v.form.Get("password"), placeOf(r.RemoteAddr).String()
	if user == "" || password == "" || len(user) > maxCredentials || len(password) > maxCredentials {
		s.signInPage(w, r, http.StatusUnprocessableEntity, fault.New(fault.InvalidArgument, "type a user name and a password"))
		return
	}
	if wait := s.throttle.begin(place, user, time.Now()); wait > 0 {
		s.slow(w, r, wait)
		return
	}
	who, err := s.patiently(r, user, password)
	if err != nil {
		// Who hangs up is not told how the guess went, but it was one.
		if asFault(err).Code != fault.NotPermitted && r.Context().Err() == nil {
			s.throttle.forgive(place, user)
		}
		s.signInPage(w, r, statusOf(err), asFault(err))
		return
	}
	s.throttle.succeed(place, user, time.Now())
	cookie, err := s.sessions.begin(&session{user: who.user, role: who.role, bus: who.conn, ended: who.ended, from: remoteHost(r)}, time.Now())
	if err != nil {
		s.signInPage(w, r, statusOf(err), asFault(err))
		return
	}
	s.sessions.end(cookieOf(r))
	setCookie(w, cookie)
	redirect(w, s.after(v.form.Get("next")))
}

// patiently asks the sign-in service; a refusal takes its time, always the same.
// How many attempts there may be at a time is bounded.
func (s *Server) patiently(r *http.Request, user, password string) (*account, error) {
	select {
	case s.attempts <- struct{}{}:
		defer func() { <-s.attempts }()
	default:
		return nil, fault.Mend(fault.Unavailable, "too many people sign in at this moment", "try again in a few seconds")
	}
	earliest := time.NewTimer(s.wait)
	defer earliest.Stop()
	who, err := s.open(r.Context(), user, password, remoteHost(r))
	if err != nil {
		select {
		case <-earliest.C:
		case <-r.Context().Done():
		}
	}
	return who, err
}

// slow answers an attempt that came too early (RFC 6585 §4).
func (s *Server) slow(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	seconds := int((wait + time.Second - 1) / time.Second)
	from := remoteHost(r)
	if hidden, ok := s.refusals.tell(placeOf(r.RemoteAddr), time.Now()); ok {
		text := fmt.Sprintf("sign-in from %s has to wait %d s: too many before it failed", from, seconds)
		if hidden > 0 {
			text += fmt.Sprintf("; %d more before it were not told", hidden)
		}
		s.log.LogAttrs(r.Context(), slog.LevelWarn, text, slog.String("from", from), journal.ID(journal.WebThrottled))
	}
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	s.signInPage(w, r, http.StatusTooManyRequests, fault.Mend(fault.NotPermitted, "too many sign-ins failed", fmt.Sprintf("try again in %d seconds", seconds)))
}

// serveSignOut ends the session. Its form carries the token as all do: nobody
// is signed out by another site.
func (s *Server) serveSignOut(w http.ResponseWriter, r *http.Request) {
	if !s.method(w, r, http.MethodPost) {
		return
	}
	v := &visit{request: r}
	if err := v.read(w, 0); err != nil {
		s.refuse(w, r, statusOf(err), asFault(err))
		return
	}
	if who := s.session(r); who != nil {
		if !who.trusts(v.form.Get("csrf")) {
			s.refuse(w, r, http.StatusForbidden, fault.Mend(fault.NotPermitted, "the form does not belong to this sign-in", "load the page again"))
			return
		}
		s.sessions.end(cookieOf(r))
		s.log.Info(who.user+" signed out of Web Admin", "caller", who.user, "caller_from", who.from)
	}
	setCookie(w, "")
	redirect(w, "/signin")
}
