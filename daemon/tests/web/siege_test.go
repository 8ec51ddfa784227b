package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
	"quorate.org/daemon/journal"
)

// siege is a node under attack: what it was before, where its journal stood, and
// what may be neither in its journal nor in what a stranger is sent.
type siege struct {
	t       *testing.T
	lab     *lab.Lab
	node    *lab.Node
	began   time.Time
	before  []string
	cursor  string
	secrets []string
}

// besiege starts Web Admin of a member anew, so that no attack before this one
// counts, and notes how the node is.
func besiege(t *testing.T) *siege {
	t.Helper()
	l := labtest.Cluster(t)
	s := &siege{t: t, lab: l, node: l.Node("cb2"), began: time.Now()}
	// Another test's, which one that sets its own could not put back: no page tells the secret.
	typed(t, s.node, "config unset callbridge.name callbridge.domain callbridge.secret")
	s.restart()
	resting, err := filepath.Glob(filepath.Join(filepath.Dir(s.node.SignInSocket()), "faillock", "*"))
	must(t, err)
	for _, file := range resting {
		must(t, os.Remove(file)) // PAM's count of wrong passwords
	}
	shared, err := s.node.Secrets(t.Context())
	must(t, err)
	s.secrets = []string{lab.Password, labtest.Password, "correct horse battery", base64.StdEncoding.EncodeToString([]byte(lab.Password)), "PRIVATE KEY", "$6$"}
	for _, secret := range shared {
		s.secrets = append(s.secrets, secret)
	}
	s.before = s.state()
	out, err := s.node.JournalText(t.Context(), "--lines=0", "--show-cursor", "--quiet")
	must(t, err)
	_, s.cursor, _ = strings.Cut(strings.TrimSpace(out), "-- cursor: ")
	must(t, wantf(s.cursor != "", "the journal has no cursor: %q", out))
	return s
}

// restart kills Web Admin and starts it, as its unit would.
func (s *siege) restart() {
	s.t.Helper()
	must(s.t, s.node.Signal(s.t.Context(), "webd", syscall.SIGKILL))
	must(s.t, s.node.Revive(s.t.Context(), "webd"))
	must(s.t, lab.Wait(s.t.Context(), 10*time.Second, "Web Admin", func() error {
		c, err := s.lab.Dial(s.t.Context(), "tcp", s.node.Addr()+":445")
		if err != nil {
			return err
		}
		return c.Close()
	}))
}

// state is what an attack may not change, as the command line tells it.
func (s *siege) state() []string {
	s.t.Helper()
	secrets, err := s.node.Secrets(s.t.Context())
	must(s.t, err)
	status, err := s.node.ClusterStatus(s.t.Context())
	must(s.t, err)
	state := []string{fmt.Sprint(secrets), status.ClusterID, status.NodeID, fmt.Sprint(status.Voters)}
	for _, command := range []string{"config show", "xmpp user list", "pki list --json", "hostname"} {
		state = append(state, typed(s.t, s.node, command))
	}
	exchange, err := filepath.Glob(filepath.Join(s.node.Dir(), "exchange", "*"))
	must(s.t, err)
	return append(state, fmt.Sprint(exchange))
}

// held says that the attack changed nothing and left no secret in the journal.
func (s *siege) held() {
	s.t.Helper()
	if diff := cmp.Diff(s.before, s.state()); diff != "" {
		s.t.Errorf("the node was changed (-before +after):\n%s", diff)
	}
	all, err := s.node.JournalText(s.t.Context(), "--output=export")
	must(s.t, err)
	for _, secret := range s.secrets {
		if at := strings.Index(all, secret); at >= 0 {
			s.t.Errorf("the journal holds %q: %q", secret, all[max(0, at-200):min(len(all), at+60)])
		}
	}
}

// told waits for an entry of the journal, since the siege began, of this ID whose
// message has every word, and returns it.
func (s *siege) told(id journal.MessageID, words ...string) (entry map[string]any) {
	s.t.Helper()
	must(s.t, lab.Wait(s.t.Context(), 10*time.Second, fmt.Sprintf("the journal to tell %q", words), func() error {
		var messages []string
		for _, e := range s.entries("MESSAGE_ID=" + string(id)) {
			text := fmt.Sprint(e["MESSAGE"])
			if containsAll(text, words...) {
				entry = e
				return nil
			}
			messages = append(messages, text)
		}
		return fmt.Errorf("it says %q", messages)
	}))
	return entry
}

func containsAll(text string, words ...string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// entries are those of the journal since the siege began that have these fields,
// given as FIELD=value. journalctl itself passes over the first match behind a
// cursor that does not match.
func (s *siege) entries(matches ...string) (all []map[string]any) {
	s.t.Helper()
	out, err := s.node.JournalText(s.t.Context(), "--output=json", "--quiet", "--after-cursor="+s.cursor)
	if err != nil && out == "" {
		return nil // there is none
	}
	for line := range strings.Lines(out) {
		var e map[string]any
		must(s.t, json.Unmarshal([]byte(line), &e))
		if matching(e, matches) {
			all = append(all, e)
		}
	}
	return all
}

func matching(e map[string]any, matches []string) bool {
	for _, m := range matches {
		if field, value, _ := strings.Cut(m, "="); fmt.Sprint(e[field]) != value {
			return false
		}
	}
	return true
}

// dial is a way to the segment, which decides what address the node sees.
type dial func(ctx context.Context, network, addr string) (net.Conn, error)

// stranger is a browser, or what says so.
type stranger struct {
	*siege
	from   dial
	client http.Client
}

// reply is an answer with all of its body.
type reply struct {
	code   int
	header http.Header
	body   string
}

// stranger comes from the lab's end of the segment, or through from.
func (s *siege) stranger(from ...dial) *stranger {
	s.t.Helper()
	v := &stranger{siege: s, from: s.lab.Dial}
	if len(from) > 0 {
		v.from = from[0]
	}
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return v.from(ctx, network, s.node.Addr()+":445")
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // an attacker does not mind
	}
	s.t.Cleanup(transport.CloseIdleConnections)
	v.client = http.Client{Jar: jar, Transport: transport, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return v
}

// elsewhere is a stranger of another address.
func (s *siege) elsewhere() *stranger { s.t.Helper(); return s.stranger(s.lab.Node("cb3").Dial) }

// signedIn is a stranger who knows the password.
func (s *siege) signedIn(user string, from ...dial) *stranger {
	s.t.Helper()
	v := s.stranger(from...)
	v.signIn(user)
	return v
}

func (v *stranger) signIn(user string) {
	v.t.Helper()
	v.want(v.post("/signin", url.Values{"user": {user}, "password": {lab.Password}}), http.StatusSeeOther)
}

func (v *stranger) request(method, path string, body io.Reader) *http.Request {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.node.WebURL()+path, body)
	must(v.t, err)
	return r
}

func (v *stranger) do(r *http.Request) reply {
	v.t.Helper()
	answer, err := v.client.Do(r)
	must(v.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(v.t, err)
	return reply{answer.StatusCode, answer.Header, string(body)}
}

func (v *stranger) get(path string) reply {
	v.t.Helper()
	return v.do(v.request(http.MethodGet, path, nil))
}

// post sends a form as it is given, as a browser of this site does.
func (v *stranger) post(path string, form url.Values) reply {
	v.t.Helper()
	r := v.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.do(r)
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]*)"`)

// token is that of the forms of the person who is signed in.
func (v *stranger) token() string {
	v.t.Helper()
	found := csrfField.FindStringSubmatch(v.get("/status").body)
	must(v.t, wantf(found != nil, "the page has no token"))
	return html.UnescapeString(found[1])
}

func (v *stranger) cookie() *http.Cookie {
	v.t.Helper()
	at, err := url.Parse(v.node.WebURL())
	must(v.t, err)
	for _, c := range v.client.Jar.Cookies(at) {
		if c.Name == "__Host-quorate" {
			return &http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: true}
		}
	}
	v.t.Fatal("the browser has no cookie")
	return nil
}

// plant puts a cookie into the browser.
func (v *stranger) plant(c *http.Cookie) {
	v.t.Helper()
	at, err := url.Parse(v.node.WebURL())
	must(v.t, err)
	v.client.Jar.SetCookies(at, []*http.Cookie{c})
}

// raw sends bytes over TLS and returns what comes back until the node closes.
func (v *stranger) raw(text string) string {
	v.t.Helper()
	c := v.tls("http/1.1")
	defer c.Close()
	go func() { _, _ = io.WriteString(c, text) }() // the node may have had enough
	var got bytes.Buffer
	_, err := io.Copy(&got, c)
	must(v.t, wantf(err == nil || got.Len() > 0 || !timedOut(err), "the node does not close: %v after %q", err, got.String()))
	return got.String()
}

func timedOut(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

// tls is a connection whose handshake is done, with 30 s to live.
func (v *stranger) tls(protocol string) *tls.Conn {
	v.t.Helper()
	c, err := v.from(v.t.Context(), "tcp", v.node.Addr()+":445")
	must(v.t, err)
	must(v.t, c.SetDeadline(time.Now().Add(30*time.Second)))
	secure := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
	must(v.t, secure.HandshakeContext(v.t.Context()))
	return secure
}

// want checks an answer's status and words, and that it holds no secret.
func (s *siege) want(a reply, code int, words ...string) {
	s.t.Helper()
	if a.code != code || !containsAll(html.UnescapeString(a.body), words...) {
		s.t.Errorf("answered %d, want %d with %q: %s", a.code, code, words, labtest.Plain(a.body))
	}
	s.nothingIn(a.body)
}

// nothingIn fails when a text holds a secret.
func (s *siege) nothingIn(text string) {
	s.t.Helper()
	for _, secret := range s.secrets {
		if strings.Contains(text, secret) {
			s.t.Errorf("%q was sent: %s", secret, labtest.Plain(text))
		}
	}
}
