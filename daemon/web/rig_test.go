package web

import (
	"context"
	"crypto/tls"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/confd"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/journal/journaltest"
)

// limit bounds every wait; nothing waits so long unless it is broken.
const limit = time.Minute

// freeAddr is an address that nothing listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.96.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// rig is Web Admin on a bus, an address and a folder of its own, beside the real
// configuration service and services that answer as the test says.
type rig struct {
	t      *testing.T
	addr   string // host:port
	state  string
	log    *text
	server *Server
	config *bus.Config
	xmpp   *fakeXmpp
	certs  *fakeCertificates
	bridge *fakeBridge
	asked  func(user, password, from string) // told of each sign-in that reaches the service; may be nil

	xmppObject  *bus.XmppObject
	certsObject *bus.CertificatesObject
	deeds       atomic.Int32 // of the test page
	ended       atomic.Bool  // everybody is evicted
}

// password is everybody's; accounts are admin and operator.
const password = "correct horse 1"

// newRig starts all of it. options change the server before it runs.
func newRig(t *testing.T, options ...func(*rig)) *rig {
	t.Helper()
	bustest.Start(t)
	r := &rig{t: t, addr: freeAddr(t), state: t.TempDir(), log: &text{},
		xmpp: newFakeXmpp(), certs: &fakeCertificates{}, bridge: &fakeBridge{}}
	r.startConfig()
	r.serveOthers()
	log := slog.New(journal.NewHandler(r.log, "webd", slog.LevelDebug))
	s, err := New(Config{State: r.state, Hostname: func() string { return "cb1" }, Version: "0.1.0", Log: log}, r.dial())
	if err != nil {
		t.Fatal(err)
	}
	r.server, s.open, s.wait = s, r.signIn, 0
	// The test page has the template of one without data.
	s.pages = append(s.pages, page{path: "/error", title: "Test", act: func(_ context.Context, v *visit) (string, error) {
		r.deeds.Add(1)
		if v.form.Get("action") == "panic" {
			panic("boom")
		}
		if v.form.Get("wrong") != "" {
			return "", fault.Mend(fault.InvalidArgument, "this is wrong", "make it right")
		}
		return "it is done", nil
	}})
	for _, o := range options {
		o(r)
	}
	r.run()
	return r
}

func (r *rig) startConfig() {
	dir := filepath.Join(r.t.TempDir(), "etc")
	host, port, _ := net.SplitHostPort(r.addr)
	toml := fmt.Sprintf("[web]\nlisten = [%q]\nport = %s\n", host, port)
	if err := os.MkdirAll(filepath.Join(dir, "conf.d"), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "quorate.toml"), []byte(toml), 0o644); err != nil {
		r.t.Fatal(err)
	}
	s, err := confd.Open(confd.Config{Dir: dir, State: r.t.TempDir(), Exchange: r.t.TempDir(), Work: 10, Machine: fakeMachine{},
		Others: confd.Others{Certificates: &fakeKept{"certificates"}, Xmpp: &fakeKept{"identity"}}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		r.t.Fatal(err)
	}
	object, err := r.dial().ServeConfig(s, bus.ConfigProperties{Generation: s.Generation()}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := s.Announce(s.Generation(), object.Changed); err != nil {
		r.t.Fatal(err)
	}
	r.config = r.dial().Config()
}

func (r *rig) serveOthers() {
	var err error
	if r.xmppObject, err = r.dial().ServeXmpp(r.xmpp, bus.XmppProperties{Domain: "meet.example"}, nil); err != nil {
		r.t.Fatal(err)
	}
	if r.certsObject, err = r.dial().ServeCertificates(r.certs, nil); err != nil {
		r.t.Fatal(err)
	}
	if _, err = r.dial().ServeBridge(r.bridge, bus.BridgeProperties{}, nil); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) dial() *bus.Conn {
	r.t.Helper()
	c, err := bus.Dial()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

// run runs the server until the test ends.
func (r *rig) run() {
	ctx, cancel := context.WithCancel(context.Background())
	m := &manager{ready: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- r.server.Run(ctx, m) }()
	r.t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				r.t.Errorf("the server ended: %v", err)
			}
		case <-time.After(limit):
			r.t.Error("the server does not end")
		}
	})
	select {
	case <-m.ready:
	case <-time.After(limit):
		r.t.Fatal("the server is not ready")
	}
}

// signIn stands for the sign-in service: what it hands out is a connection of
// the test's own account.
func (r *rig) signIn(_ context.Context, user, pass, from string) (*account, error) {
	if r.asked != nil {
		r.asked(user, pass, from)
	}
	role := map[string]bus.Role{"admin": bus.Admin, "operator": bus.Operator}[user]
	if role == bus.None || pass != password {
		return nil, fault.New(fault.NotPermitted, "the user name or the password is wrong")
	}
	conn, err := bus.Dial()
	return &account{user, role, conn, r.ended.Load}, err
}

type manager struct {
	ready chan struct{}
	once  sync.Once
}

func (m *manager) Ready(string) error              { m.once.Do(func() { close(m.ready) }); return nil }
func (m *manager) Status(string) error             { return nil }
func (m *manager) Reloads() <-chan struct{}        { return nil }
func (m *manager) Reloading(f func() string) error { f(); return nil }

// text is what was logged.
type text struct{ journaltest.Datagrams }

// count returns how many records of that MESSAGE_ID there are.
func (x *text) count(id journal.MessageID) int {
	return strings.Count(x.String(), "MESSAGE_ID="+string(id)+"\n")
}

// browser is one browser of a person.
type browser struct {
	t    *testing.T
	r    *rig
	http *http.Client
	csrf string
}

func (r *rig) browser() *browser {
	jar, _ := cookiejar.New(nil) // never fails
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	r.t.Cleanup(tr.CloseIdleConnections)
	return &browser{t: r.t, r: r, http: &http.Client{Jar: jar, Transport: tr, Timeout: limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// signedIn returns a browser in which user has signed in.
func (r *rig) signedIn(user string) *browser {
	r.t.Helper()
	b := r.browser()
	if a := b.signIn(user, password); a.code != http.StatusSeeOther || a.header.Get("Location") != "/status" {
		r.t.Fatalf("signing in: %d %s", a.code, a.body)
	}
	b.learn("/logs")
	return b
}

func (b *browser) signIn(user, pass string) reply {
	return b.post("/signin", url.Values{"user": {user}, "password": {pass}})
}

var tokenForm = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// learn takes the token of the forms from a page.
func (b *browser) learn(path string) {
	b.t.Helper()
	found := tokenForm.FindStringSubmatch(b.get(path).body)
	if found == nil {
		b.t.Fatalf("%s has no token", path)
	}
	b.csrf = html.UnescapeString(found[1])
}

// reply is an answer with its whole body.
type reply struct {
	code   int
	header http.Header
	body   string
}

func (b *browser) get(path string) reply {
	b.t.Helper()
	return b.do(b.request(http.MethodGet, path, nil))
}

// post sends a form as the browser of a page of ours does.
func (b *browser) post(path string, form url.Values) reply {
	b.t.Helper()
	return b.do(b.form(path, form))
}

func (b *browser) form(path string, form url.Values) *http.Request {
	if b.csrf != "" && !form.Has("csrf") {
		form.Set("csrf", b.csrf)
	}
	req := b.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://"+b.r.addr)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return req
}

func (b *browser) request(method, path string, body io.Reader) *http.Request {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, "https://"+b.r.addr+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return req
}

func (b *browser) do(req *http.Request) reply {
	b.t.Helper()
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

// cookie returns what the browser holds.
func (b *browser) cookie() string {
	for _, c := range b.http.Jar.Cookies(&url.URL{Scheme: "https", Host: b.r.addr, Path: "/"}) {
		if c.Name == cookieName {
			return c.Value
		}
	}
	return ""
}

// until waits for a state that comes by itself.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("%s: not within %v", what, limit)
		}
	}
}

// want checks the status of an answer and words of its page.
func want(t *testing.T, got reply, code int, words ...string) {
	t.Helper()
	if got.code != code {
		t.Errorf("status %d, want %d\n%s", got.code, code, got.body)
	}
	for _, w := range words {
		if !strings.Contains(got.body, w) {
			t.Errorf("the page does not say %q\n%s", w, got.body)
		}
	}
}

// raw sends bytes over TLS and returns the answer.
func (r *rig) raw(request string) string {
	r.t.Helper()
	c, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	return exchange(r.t, c, request)
}

func exchange(t *testing.T, c net.Conn, request string) string {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(c) // a reset ends it as well
	return string(answer)
}
