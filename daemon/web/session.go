package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// Limits of sessions. A person's oldest one makes room for a ninth, so that
// nobody is kept out by browsers left open; the total is refused, so that nobody
// is thrown out by others.
const (
	maxSessions       = 64
	maxSessionsOfUser = 8
	maxAge            = 12 * time.Hour
)

// session is one sign-in: the person's own connection to the bus, and what the
// pages keep between two requests. It ends when its connection does.
type session struct {
	user  string
	role  bus.Role
	bus   *bus.Conn   // opened by the person's account
	ended func() bool // says whether the account was evicted since, or has a new password
	from  string      // remote address, without port
	csrf  string      // each of the person's forms carries it
	began time.Time

	mu     sync.Mutex
	last   time.Time // guarded by mu: of the last thing the person did
	notice string    // guarded by mu: for the next page
}

// administrator says whether the person may change things. The services have
// the last word; this only keeps a request that would be refused from them.
func (s *session) administrator() bool { return s.role >= bus.Admin }

// touch notes that the person did something.
func (s *session) touch(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = now
}

// over says whether the session has ended by itself.
func (s *session) over(now time.Time, idle time.Duration) bool {
	select {
	case <-s.bus.Done():
		return true
	default:
	}
	if s.ended() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Sub(s.last) >= idle || now.Sub(s.began) >= maxAge
}

// say keeps a notice for the next page.
func (s *session) say(notice string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notice = notice
}

// said returns the notice, once.
func (s *session) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	notice := s.notice
	s.notice = ""
	return notice
}

// trusts says whether a form carries the session's token.
func (s *session) trusts(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.csrf)) == 1
}

// key is what a session is found by: the digest of what the cookie holds, so
// that neither a look-up's time nor the table tells a cookie.
type key [sha256.Size]byte

// sessions are those that last.
type sessions struct {
	mu  sync.Mutex
	all map[key]*session // guarded by mu
}

func newSessions() *sessions { return &sessions{all: map[key]*session{}} }

// begin keeps a new session and returns what its cookie holds: 256 random bits
// of its own, whatever the request brought along (OWASP: session fixation). With
// an error the session's connection is closed.
func (t *sessions) begin(s *session, now time.Time) (cookie string, err error) {
	s.began, s.last, s.csrf = now, now, random()
	cookie = random()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.makeRoom(s.user)
	if len(t.all) >= maxSessions {
		_ = s.bus.Close()
		return "", fault.Mend(fault.Unavailable, "too many people are signed in", "try again when somebody has signed out; or webadmin restart")
	}
	t.all[sha256.Sum256([]byte(cookie))] = s
	return cookie, nil
}

// makeRoom ends the oldest session of a person who has the most there may be.
// t.mu is held.
func (t *sessions) makeRoom(user string) {
	var oldest key
	n := 0
	for k, s := range t.all {
		if s.user != user {
			continue
		}
		if n++; n == 1 || s.began.Before(t.all[oldest].began) {
			oldest = k
		}
	}
	if n >= maxSessionsOfUser {
		t.drop(oldest)
	}
}

// find returns the session of a cookie; nil when there is none that lasts.
func (t *sessions) find(cookie string, now time.Time, idle time.Duration) *session {
	k := key(sha256.Sum256([]byte(cookie)))
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.all[k]
	if s == nil {
		return nil
	}
	if s.over(now, idle) {
		t.drop(k)
		return nil
	}
	return s
}

// end ends the session of a cookie.
func (t *sessions) end(cookie string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(sha256.Sum256([]byte(cookie)))
}

// sweep ends what is over and returns it.
func (t *sessions) sweep(now time.Time, idle time.Duration) (ended []*session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, s := range t.all {
		if s.over(now, idle) {
			t.drop(k)
			ended = append(ended, s)
		}
	}
	return ended
}

func (t *sessions) endAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k := range t.all {
		t.drop(k)
	}
}

// drop forgets a session and leaves the bus in its name. t.mu is held.
func (t *sessions) drop(k key) {
	if s := t.all[k]; s != nil {
		delete(t.all, k)
		_ = s.bus.Close() // gone either way
	}
}

func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// cookieName binds the cookie to this host, to HTTPS and to the whole site (RFC
// 6265bis §4.1.3.2).
const cookieName = "__Host-quorate"

func setCookie(w http.ResponseWriter, value string) {
	c := &http.Cookie{Name: cookieName, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if value == "" {
		c.MaxAge = -1 // forget it
	}
	http.SetCookie(w, c)
}

// cookieOf returns what the request's cookie holds. Of two by this name, which
// no browser sends, one was planted: neither counts.
func cookieOf(r *http.Request) string {
	c := r.CookiesNamed(cookieName)
	if len(c) != 1 {
		return ""
	}
	return c[0].Value
}
