package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

func TestSignInAndOut(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	want(t, b.get("/"), http.StatusSeeOther)
	want(t, b.get("/signin"), http.StatusOK, `name="password"`)
	a := b.signIn("admin", password)
	want(t, a, http.StatusSeeOther)
	for _, attribute := range []string{cookieName + "=", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"} {
		if !strings.Contains(a.header.Get("Set-Cookie"), attribute) {
			t.Errorf("the cookie lacks %s: %s", attribute, a.header.Get("Set-Cookie"))
		}
	}
	b.learn("/logs")
	want(t, b.get("/signin"), http.StatusSeeOther)
	cookie := b.cookie()
	want(t, b.post("/signout", url.Values{"csrf": {"x"}}), http.StatusForbidden)
	want(t, b.post("/signout", url.Values{}), http.StatusSeeOther)
	if b.cookie() != "" {
		t.Error("the cookie stays after sign-out")
	}
	if r.server.sessions.find(cookie, time.Now(), time.Hour) != nil {
		t.Error("the session outlives sign-out")
	}
}

func TestBackToThePageAskedFor(t *testing.T) {
	r := newRig(t)
	for next, path := range map[string]string{"/logs": "/logs", "https://evil.example/": "/status", "//evil.example": "/status", "/nowhere": "/status", "": "/status"} {
		a := r.browser().post("/signin", url.Values{"user": {"admin"}, "password": {password}, "next": {next}})
		if got := a.header.Get("Location"); got != path {
			t.Errorf("%q leads to %q, want %q", next, got, path)
		}
	}
}

// An ID that came with the request, planted by somebody else perhaps, is never
// the session's.
func TestNoFixation(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	planted := random()
	b.http.Jar.SetCookies(&url.URL{Scheme: "https", Host: r.addr, Path: "/"}, []*http.Cookie{{Name: cookieName, Value: planted, Path: "/", Secure: true}})
	want(t, b.signIn("admin", password), http.StatusSeeOther)
	first := b.cookie()
	if first == planted || first == "" {
		t.Fatalf("the session has the ID %q", first)
	}
	want(t, b.signIn("admin", password), http.StatusSeeOther)
	if b.cookie() == first {
		t.Error("a second sign-in keeps the ID")
	}
	if r.server.sessions.find(first, time.Now(), time.Hour) != nil {
		t.Error("the session before it lasts")
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	r := newRig(t, func(r *rig) {
		r.asked = func(string, string, string) { mu.Lock(); defer mu.Unlock(); asked++ }
	})
	b := r.browser()
	var last reply
	for range 2 * freeFailures {
		last = b.signIn("admin", "wrong")
	}
	want(t, last, http.StatusTooManyRequests, "too many sign-ins failed")
	if last.header.Get("Retry-After") == "" {
		t.Error("it does not say how long")
	}
	want(t, b.signIn("admin", password), http.StatusTooManyRequests)
	if asked != freeFailures {
		t.Errorf("%d guesses reached the service, want %d", asked, freeFailures)
	}
	if r.log.count(journal.WebThrottled) == 0 {
		t.Error("the journal does not know")
	}
	if strings.Contains(r.log.String(), "wrong\n") {
		t.Error("a password is in the journal")
	}
}

func TestWrongNameAndWrongPasswordAreOne(t *testing.T) {
	r := newRig(t, func(r *rig) { r.server.wait = 300 * time.Millisecond })
	took := func(user string) (string, time.Duration) {
		begin := time.Now()
		a := r.browser().signIn(user, "wrong")
		want(t, a, http.StatusForbidden, "is wrong")
		return strings.ReplaceAll(a.body, `value="`+user+`"`, ""), time.Since(begin)
	}
	known, knownTime := took("admin")
	unknown, unknownTime := took("nobody")
	if known != unknown {
		t.Errorf("the pages differ:\n%s\n%s", known, unknown)
	}
	if knownTime < r.server.wait || unknownTime < r.server.wait {
		t.Errorf("answered after %v and %v, want %v at least", knownTime, unknownTime, r.server.wait)
	}
}

func TestSignInServiceIsDown(t *testing.T) {
	r := newRig(t, func(r *rig) {
		r.server.open = func(context.Context, string, string, string) (*account, error) {
			return nil, fault.Mend(fault.Unavailable, "nobody can sign in: it is down", "systemctl status quorate-signin.socket")
		}
	})
	b := r.browser()
	for range 2 * freeFailures {
		want(t, b.signIn("admin", password), http.StatusServiceUnavailable, "nobody can sign in", "quorate-signin.socket")
	}
}

// Who hangs up before the answer has guessed all the same.
func TestGuessesThatAreNotWaitedForCount(t *testing.T) {
	reached := make(chan struct{}, 4*freeFailures)
	r := newRig(t, func(r *rig) {
		r.server.open = func(ctx context.Context, _, _, _ string) (*account, error) {
			reached <- struct{}{}
			<-ctx.Done()
			return nil, fault.New(fault.Unavailable, "nobody can sign in: "+ctx.Err().Error())
		}
	})
	for range 2 * freeFailures {
		ctx, hangUp := context.WithCancel(t.Context())
		request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/signin", strings.NewReader("user=admin&password=wrong"))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			r.server.handler().ServeHTTP(httptest.NewRecorder(), request)
		}()
		select {
		case <-reached:
			reached <- struct{}{}
			hangUp()
			<-answered
		case <-answered:
			hangUp()
		}
	}
	if n := len(reached); n != freeFailures {
		t.Errorf("%d guesses reached the service, want %d", n, freeFailures)
	}
}

func TestThrottle(t *testing.T) {
	now, th := time.Now(), newThrottle()
	fail := func(place, account string) time.Duration { return th.begin(place, account, now) }
	for i := range freeFailures {
		if w := fail("a", "admin"); w != 0 {
			t.Fatalf("failure %d waits %v", i, w)
		}
	}
	delay := firstDelay
	for range 8 {
		if w := fail("a", "admin"); w != delay {
			t.Fatalf("waits %v, want %v", w, delay)
		}
		if w := fail("a", "another"); w != delay {
			t.Fatalf("another account waits %v there, want %v", w, delay)
		}
		now = now.Add(delay)
		if w := fail("a", "admin"); w != 0 {
			t.Fatalf("after %v it still waits %v", delay, w)
		}
		delay = min(2*delay, longestDelay)
	}
	now = now.Add(window)
	if w := fail("a", "admin"); w != 0 {
		t.Errorf("the window is over and it waits %v", w)
	}
}

// Guessing elsewhere does not keep a person out where they signed in before.
func TestThrottleKeepsNobodyOut(t *testing.T) {
	now, th := time.Now(), newThrottle()
	th.begin("home", "admin", now)
	th.succeed("home", "admin", now)
	for range 3 * freeFailures {
		th.begin("evil", "admin", now)
	}
	if w := th.begin("abroad", " ADMIN ", now); w != 0 {
		t.Errorf("one place that guesses makes admin wait %v at another", w)
	}
	for i := range freeOfMany {
		th.begin("evil"+string(rune('0'+i)), "admin", now)
	}
	if w := th.begin("home", "admin", now); w != 0 {
		t.Errorf("at home admin waits %v", w)
	}
	if w := th.begin("abroad", " ADMIN ", now); w == 0 {
		t.Error("at an unknown place the account's count does not hold")
	}
	if w := th.begin("home", "operator", now); w != 0 {
		t.Errorf("another account waits %v", w)
	}
}

func TestThrottleIsBounded(t *testing.T) {
	now, th := time.Now(), newThrottle()
	for i := range maxCounts + 100 {
		th.begin(strings.Repeat("p", i%97)+string(rune(i)), strings.Repeat("u", 1000)+string(rune(i)), now.Add(time.Duration(i)))
	}
	for i := range maxTrusted + 100 {
		th.succeed("p"+string(rune(i)), "admin", now.Add(time.Duration(i)))
	}
	if len(th.places) > maxCounts || len(th.accounts) > maxCounts || len(th.trusted) > maxTrusted {
		t.Errorf("%d places, %d accounts, %d trusted", len(th.places), len(th.accounts), len(th.trusted))
	}
	for name := range th.accounts {
		if len(name) > 64 {
			t.Fatalf("a name of %d bytes is kept", len(name))
		}
	}
}

// newSession returns a session on a bus of its own connection.
func newSession(t *testing.T, user string) *session {
	t.Helper()
	conn, err := bus.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &session{user: user, role: bus.Admin, bus: conn, ended: func() bool { return false }}
}

func TestSessionsEnd(t *testing.T) {
	bustest.Start(t)
	table, now, idle := newSessions(), time.Now(), 15*time.Minute
	begin := func(at time.Time) (string, *session) {
		s := newSession(t, "admin")
		cookie, err := table.begin(s, at)
		if err != nil {
			t.Fatal(err)
		}
		return cookie, s
	}
	cookie, s := begin(now)
	for at := now; at.Before(now.Add(maxAge)); at = at.Add(idle - time.Second) {
		if table.find(cookie, at, idle) == nil {
			t.Fatalf("ended %v after it began, though in use", at.Sub(now))
		}
		s.touch(at)
	}
	if table.find(cookie, now.Add(maxAge), 24*time.Hour) != nil {
		t.Error("it lasts longer than any may")
	}
	cookie, s = begin(now)
	if table.find(cookie, now.Add(idle), idle) != nil {
		t.Error("it outlives idle time")
	}
	select {
	case <-s.bus.Done():
	case <-time.After(limit):
		t.Error("the connection of an ended session stays open")
	}
	cookie, s = begin(now)
	s.bus.Close()
	if table.find(cookie, now, idle) != nil {
		t.Error("it outlives its connection")
	}
	if cookie, _ = begin(now); len(table.sweep(now.Add(idle), idle)) != 1 || table.find(cookie, now, idle) != nil {
		t.Error("sweeping leaves it")
	}
}

func TestSessionsAreBounded(t *testing.T) {
	bustest.Start(t)
	table, now := newSessions(), time.Now()
	var cookies []string
	for i := range maxSessionsOfUser + 1 {
		c, err := table.begin(newSession(t, "admin"), now.Add(time.Duration(i)))
		if err != nil {
			t.Fatal(err)
		}
		cookies = append(cookies, c)
	}
	if table.find(cookies[0], now, time.Hour) != nil || table.find(cookies[1], now, time.Hour) == nil {
		t.Error("the oldest makes room, and no other")
	}
	for i := 0; len(table.all) < maxSessions; i++ {
		if _, err := table.begin(newSession(t, "user"+string(rune('A'+i/4))), now); err != nil {
			t.Fatal(err)
		}
	}
	s := newSession(t, "late")
	if _, err := table.begin(s, now); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("one too many: %v", err)
	}
	if _, err := table.begin(newSession(t, "admin"), now); err != nil {
		t.Errorf("admin replaces a session of admin's own: %v", err)
	}
}

// Who is evicted, removed or given another password is signed out, at the next
// request or without one.
func TestEvicted(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	want(t, b.get("/status"), http.StatusOK)
	s := r.server.sessions.find(b.cookie(), time.Now(), time.Hour)
	r.ended.Store(true)
	want(t, b.get("/status"), http.StatusSeeOther)
	select {
	case <-s.bus.Done():
	case <-time.After(limit):
		t.Error("the connection of who was evicted stays open")
	}
}

// Looking at live pages is not what keeps a session.
func TestIdleEnd(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	s := r.server.sessions.find(b.cookie(), time.Now(), time.Hour)
	s.touch(time.Now().Add(-time.Hour))
	a := b.get("/logs")
	want(t, a, http.StatusSeeOther)
	if got := a.header.Get("Location"); got != "/signin?next=%2Flogs" {
		t.Errorf("sent to %q", got)
	}
	b = r.signedIn("admin")
	r.set(map[string]any{"web.idle": "1m"})
	r.until("the new idle time is in force", func() bool { return r.server.idle() == time.Minute })
	r.server.sessions.find(b.cookie(), time.Now(), time.Hour).touch(time.Now().Add(-2 * time.Minute))
	want(t, b.get("/logs"), http.StatusSeeOther)
}

func TestSessionEndsWithItsConnection(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	r.server.sessions.find(b.cookie(), time.Now(), time.Hour).bus.Close()
	want(t, b.get("/logs"), http.StatusSeeOther)
}

func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, at := newPacer(), placeOf("10.0.0.1:1")
		for i := range 2 * paceOfPlace {
			if _, ok := p.tell(at, time.Now()); ok != (i < paceOfPlace) {
				t.Fatalf("refusal %d: %v", i, ok)
			}
		}
		time.Sleep(paceWindow)
		if hidden, ok := p.tell(at, time.Now()); !ok || hidden != paceOfPlace {
			t.Errorf("after the window %v, with %d untold", ok, hidden)
		}
	})
}
