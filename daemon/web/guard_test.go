package web

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/journal"
)

const testPage = "/error" // the rig's, which can be posted to

func TestFormIsDone(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	a := b.post(testPage, url.Values{"action": {"save"}, "secret": {"hidden one"}})
	want(t, a, http.StatusSeeOther)
	if got := a.header.Get("Location"); got != testPage {
		t.Errorf("sent to %q", got)
	}
	want(t, b.get(testPage), http.StatusOK, "it is done")
	if strings.Contains(b.get(testPage).body, "it is done") {
		t.Error("the notice is shown twice")
	}
	if n := r.log.count(journal.ChangeMade); n != 1 {
		t.Errorf("%d changes journaled, want 1", n)
	}
	for _, s := range []string{"admin from 127.0.0.1: Web Admin /error save\n", "CALLER=admin\n", "METHOD=save\n"} {
		if !strings.Contains(r.log.String(), s) {
			t.Errorf("the journal lacks %q", s)
		}
	}
	if strings.Contains(r.log.String(), "hidden one") {
		t.Error("a secret is in the journal")
	}
}

func TestRefusedFormKeepsWhatWasTyped(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	want(t, b.post(testPage, url.Values{"action": {"save"}, "wrong": {"yes"}}), http.StatusUnprocessableEntity,
		`role="alert"`, "this is wrong", "make it right")
	if n := r.log.count(journal.ChangeRefused); n != 1 {
		t.Errorf("%d refusals journaled, want 1", n)
	}
	f := typed(url.Values{"user": {"typed"}, "password": {"blind"}, "new_secret": {"blind"}, "secret2": {"blind"}, "Passphrase": {"blind"}, "csrf": {"token"}})
	if f.Get("user") != "typed" || len(f) != 1 {
		t.Errorf("kept %v", f)
	}
}

func TestForeignFormsAreRefused(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	token := b.csrf
	for name, change := range map[string]func(*http.Request, url.Values){
		"no token":           func(_ *http.Request, f url.Values) { f.Del("csrf") },
		"another token":      func(_ *http.Request, f url.Values) { f.Set("csrf", random()) },
		"a longer token":     func(_ *http.Request, f url.Values) { f.Set("csrf", token+"x") },
		"another site":       func(q *http.Request, _ url.Values) { q.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a site of the name": func(q *http.Request, _ url.Values) { q.Header.Set("Sec-Fetch-Site", "same-site") },
		"an old browser": func(q *http.Request, _ url.Values) {
			q.Header.Del("Sec-Fetch-Site")
			q.Header.Set("Origin", "https://evil.example")
		},
		"no origin to tell":   func(q *http.Request, _ url.Values) { q.Header.Del("Sec-Fetch-Site"); q.Header.Set("Origin", "null") },
		"a form as plaintext": func(q *http.Request, _ url.Values) { q.Header.Set("Content-Type", "text/plain") },
	} {
		before := r.log.count(journal.WebRefused)
		r.server.refusals = newPacer()
		f := url.Values{"action": {"save"}, "csrf": {token}}
		probe := b.form(testPage, f)
		change(probe, f)
		req := b.form(testPage, url.Values{"csrf": {""}})
		req.Header = probe.Header
		body := f.Encode()
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		if a := b.do(req); a.code != http.StatusForbidden && a.code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, a.code)
		}
		if n := r.log.count(journal.WebRefused); n != before+1 {
			t.Errorf("%s: journaled %d times", name, n-before)
		}
	}
	if n := r.deeds.Load(); n != 0 {
		t.Errorf("%d foreign forms were obeyed", n)
	}
}

func TestOperatorChangesNothing(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("operator")
	want(t, b.get(testPage), http.StatusOK)
	want(t, b.post(testPage, url.Values{"action": {"save"}}), http.StatusForbidden, "for administrators")
	if n := r.deeds.Load(); n != 0 {
		t.Errorf("%d forms of an operator were obeyed", n)
	}
	if n := r.log.count(journal.ChangeRefused); n != 1 {
		t.Errorf("%d refusals journaled, want 1", n)
	}
}

// Every page of the product that takes a form refuses an operator's.
func TestOperatorOnEveryPage(t *testing.T) {
	called := ""
	r := newRig(t, func(r *rig) {
		for i, p := range r.server.pages {
			if p.act != nil {
				r.server.pages[i].act = func(context.Context, *visit) (string, error) { called = p.path; return "", nil }
			}
		}
	})
	b := r.signedIn("operator")
	for _, p := range r.server.pages {
		if p.act != nil {
			want(t, b.post(p.path, url.Values{"action": {"save"}}), http.StatusForbidden)
		}
	}
	if called != "" {
		t.Errorf("%s obeyed an operator", called)
	}
}

func TestNobodySeesNothing(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	for _, p := range []string{"/logs/download", "/error", "/status", "/configuration/general", "/certificates", "/backups", "/logs"} {
		a := b.get(p)
		want(t, a, http.StatusSeeOther)
		if got := a.header.Get("Location"); got != "/signin?next="+url.QueryEscape(p) {
			t.Errorf("%s sends to %q", p, got)
		}
		want(t, b.post(p, url.Values{"action": {"save"}}), http.StatusSeeOther)
	}
	for _, p := range []string{"/status/live", "/logs/live"} {
		if a := b.get(p); a.header.Get("Content-Type") != "text/event-stream" || a.body != endEvent {
			t.Errorf("%s tells nobody %q", p, a.body)
		}
		want(t, b.post(p, url.Values{"action": {"save"}}), http.StatusMethodNotAllowed)
	}
	if r.deeds.Load() != 0 {
		t.Error("a form of nobody was obeyed")
	}
}

func TestOversized(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	want(t, b.post(testPage, url.Values{"action": {"save"}, "x": {strings.Repeat("x", formBytes)}}), http.StatusRequestEntityTooLarge)
	many := url.Values{}
	for i := range formFields + 1 {
		many.Set(strings.Repeat("y", i+1), "1")
	}
	want(t, b.post(testPage, many), http.StatusBadRequest)
	req := b.request(http.MethodGet, "/status", nil)
	req.Header.Set("X-Large", strings.Repeat("h", 2*headerBytes))
	if resp, err := b.http.Do(req); err == nil {
		if resp.StatusCode < 400 {
			t.Errorf("a header of 32 KiB: %d", resp.StatusCode)
		}
		resp.Body.Close()
	}
	want(t, r.browser().post("/signin", url.Values{"user": {"admin"}, "password": {strings.Repeat("p", maxCredentials+1)}}), http.StatusUnprocessableEntity)
	if r.deeds.Load() != 0 {
		t.Error("an oversized form was obeyed")
	}
}

func TestUploads(t *testing.T) {
	var got []upload
	r := newRig(t, func(r *rig) {
		p := &r.server.pages[len(r.server.pages)-1]
		p.limit = 100 << 10
		p.act = func(_ context.Context, v *visit) (string, error) { got = v.uploads; return v.form.Get("action"), nil }
	})
	b := r.signedIn("admin")
	send := func(size int) reply {
		var body bytes.Buffer
		m := multipart.NewWriter(&body)
		m.WriteField("csrf", b.csrf)
		m.WriteField("action", "upload")
		f, _ := m.CreateFormFile("file", "../x.cer")
		f.Write(bytes.Repeat([]byte("c"), size))
		m.CreateFormFile("more", "") // nothing chosen
		m.Close()
		req := b.request(http.MethodPost, testPage, &body)
		req.Header.Set("Content-Type", m.FormDataContentType())
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		return b.do(req)
	}
	want(t, send(60<<10), http.StatusSeeOther)
	if len(got) != 1 || got[0].name != "x.cer" || len(got[0].content) != 60<<10 {
		t.Errorf("%d files came", len(got))
	}
	got = nil
	want(t, send(110<<10), http.StatusRequestEntityTooLarge)
	if got != nil {
		t.Error("an oversized file was taken")
	}
}

func TestAddressesAreTakenAsTheyCome(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	style, err := r.server.assets.address("style.css")
	if err != nil {
		t.Fatal(err)
	}
	a := b.get(style)
	want(t, a, http.StatusOK)
	if got := a.header.Get("Cache-Control"); !strings.Contains(got, "immutable") || !strings.HasPrefix(a.header.Get("Content-Type"), "text/css") {
		t.Errorf("%s: %s %s", style, got, a.header.Get("Content-Type"))
	}
	dir := strings.TrimSuffix(style, "style.css")
	for _, path := range []string{
		"/static/", "/static/style.css", dir, dir + "..%2f..%2fserver.go", dir + "../../server.go", "/static/..%2f..%2fetc/passwd", dir + "..%5cstyle.css",
		dir + "style.css/", "//status", "/status/", "/./status", "/status/../logs", "/templates/layout.html", "/status%00", "/nowhere", "/STATUS",
	} {
		req := b.request(http.MethodGet, "/", nil)
		req.URL.Opaque = "//" + r.addr + path
		if a := b.do(req); a.code != http.StatusNotFound || !strings.Contains(a.body, "there is no such page") {
			t.Errorf("%s: %d", path, a.code)
		}
	}
}

func TestMethods(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	for path, allow := range map[string]string{"/status": "GET, HEAD", testPage: "GET, HEAD, POST", "/": "GET, HEAD", "/signout": "POST", "/logs/download": "GET"} {
		for _, method := range []string{"PUT", "DELETE", "TRACE", "OPTIONS", "PATCH", "BREW"} {
			req := b.request(method, path, nil)
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			if a := b.do(req); a.code != http.StatusMethodNotAllowed || a.header.Get("Allow") != allow {
				t.Errorf("%s %s: %d, Allow: %s", method, path, a.code, a.header.Get("Allow"))
			}
		}
	}
	want(t, b.do(b.request(http.MethodHead, "/logs", nil)), http.StatusOK)
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	r := newRig(t)
	b, nobody := r.signedIn("admin"), r.browser()
	for name, a := range map[string]reply{
		"page": b.get("/logs"), "missing": b.get("/nowhere"), "sign-in": nobody.get("/signin"), "redirect": nobody.get("/status"),
		"refused": b.post(testPage, url.Values{"csrf": {"x"}}),
	} {
		for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"} {
			if a.header.Get(h) != headers[h] || headers[h] == "" {
				t.Errorf("%s: %s is %q", name, h, a.header.Get(h))
			}
		}
		if got := a.header.Get("Strict-Transport-Security"); got != "" {
			t.Errorf("%s locks people out who have an expired certificate: %s", name, got)
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s may be kept: %s", name, got)
		}
		if strings.Contains(a.body, "<script>") || strings.Contains(a.body, "style=\"") || strings.Contains(a.body, "onclick") {
			t.Errorf("%s has what its policy forbids", name)
		}
	}
}

func TestHosts(t *testing.T) {
	for host, ok := range map[string]bool{
		"cb1.meet.example": true, "10.0.0.1:445": true, "[fe80::1]:445": true, "localhost": true,
		"": false, "a b": false, "x/y": false, "evil.example\r\nX: y": false, "user@host": false, "h:445:446": false, "h:": false,
	} {
		if hostForm().MatchString(host) != ok {
			t.Errorf("%q: want %v", host, ok)
		}
	}
	r := newRig(t)
	if got := r.raw("GET /signin HTTP/1.1\r\nHost: $evil.example:99999999\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "names no host") {
		t.Errorf("answered %q", got)
	}
}

// Two lengths in one request are two requests to somebody.
func TestChunkedIsRefused(t *testing.T) {
	r := newRig(t)
	got := r.raw("POST /signin HTTP/1.1\r\nHost: cb1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /status HTTP/1.1\r\nHost: cb1\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 411 ") || strings.Count(got, "HTTP/1.1 ") != 1 {
		t.Errorf("answered %q", got)
	}
	if r.log.count(journal.WebRefused) != 1 {
		t.Error("the journal does not know")
	}
}

// What the bus does not carry never comes to it: it would end the session.
func TestIllegibleForms(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	for _, text := range []string{"a\x00b", "\xff\xfe"} {
		want(t, b.get("/logs?unit="+url.QueryEscape(text)), http.StatusBadRequest)
		want(t, b.post(testPage, url.Values{"action": {"save"}, "x": {text}}), http.StatusBadRequest)
		want(t, b.post(testPage, url.Values{"action": {"save"}, text: {"x"}}), http.StatusBadRequest)
	}
	if r.deeds.Load() != 0 || r.log.count(journal.WebRefused) != 6 {
		t.Errorf("%d were obeyed, %d journaled", r.deeds.Load(), r.log.count(journal.WebRefused))
	}
}

// Of two cookies one was planted.
func TestTwoCookiesAreNone(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	req := b.request(http.MethodGet, "/status", nil)
	req.AddCookie(&http.Cookie{Name: cookieName, Value: "planted"})
	want(t, b.do(req), http.StatusSeeOther)
	want(t, b.get("/status"), http.StatusOK)
}

func TestPanicIsAPage(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	a := b.post(testPage, url.Values{"action": {"panic"}})
	want(t, a, http.StatusInternalServerError, "a fault of this program")
	if strings.Contains(a.body, "boom") || !strings.Contains(r.log.String(), "boom") {
		t.Error("what broke belongs into the journal alone")
	}
	want(t, b.get(testPage), http.StatusOK)
}

func TestHarmlessNames(t *testing.T) {
	for name, want := range map[string]string{
		"web.cer": "web.cer", "../../etc/passwd": "_.._etc_passwd", "a\r\nSet-Cookie: x=y.cer": "a__Set-Cookie__x_y.cer", `a";x="b`: "a__x__b", "": "download", "...": "download", "ü.cer": "_.cer",
	} {
		if got := harmless(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

// What a stranger sends becomes no line of its own in the journal, and only so
// many lines.
func TestJournalIsNotFilled(t *testing.T) {
	r := newRig(t)
	b := r.signedIn("admin")
	for range 3 * paceOfPlace {
		b.post(testPage, url.Values{"csrf": {"x"}, "action": {"a\nPRIORITY=0"}})
	}
	if n := r.log.count(journal.WebRefused); n != paceOfPlace {
		t.Errorf("%d lines, want %d", n, paceOfPlace)
	}
	b.post(testPage, url.Values{"action": {"a\nPRIORITY=0"}})
	if strings.Contains(r.log.String(), "\nPRIORITY=0") {
		t.Error("a line was forged")
	}
}

// A node that joins chose its name, its version and its address: on the pages
// they are text.
func TestHostileMemberIsText(t *testing.T) {
	const hostile = `<script>alert(1)</script><img src=x onerror=alert(2)>"'`
	r := newRig(t)
	r.xmpp.mu.Lock()
	r.xmpp.cluster.Peers = []bus.Peer{{ID: hostile, Name: hostile, Address: hostile, Version: hostile, Gossip: hostile}}
	r.xmpp.cluster.Leader, r.xmpp.cluster.Reason = hostile, hostile
	r.xmpp.mu.Unlock()
	b := r.signedIn("admin")
	for _, path := range []string{"/status", "/configuration/cluster", "/configuration/cluster?ask=remove&node=" + url.QueryEscape(hostile)} {
		a := b.get(path)
		want(t, a, http.StatusOK, "&lt;script&gt;alert(1)")
		if strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<img src=x") {
			t.Errorf("%s runs what a member is called", path)
		}
	}
}

// FuzzHarmless: whatever a file is called, its name is one plain word in the
// header.
func FuzzHarmless(f *testing.F) {
	f.Add("../../etc/passwd")
	f.Add("a\r\nSet-Cookie: x=y")
	f.Fuzz(func(t *testing.T, name string) {
		got := harmless(name)
		if got == "" || got[0] == '.' || len(got) > 3*128 || strings.Trim(got, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" {
			t.Errorf("%q becomes %q", name, got)
		}
	})
}
