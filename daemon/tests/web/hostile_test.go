package web

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/journal"
)

// No address leads to a file of the node, whoever asks.
func TestM3_5_PathTraversal(t *testing.T) {
	s := besiege(t)
	nobody, admin := s.stranger(), s.signedIn("admin")
	paths := []string{
		"/../../../../etc/passwd", "/static/../../../../etc/passwd", "/static/..%2f..%2f..%2fetc%2fpasswd", "/static/%2e%2e/%2e%2e/etc/shadow",
		`/static/..\..\etc\passwd`, "/static/....//....//etc/passwd", "/..%c0%af..%c0%afetc/passwd", "/static/..%252f..%252fetc/passwd",
		"/status/../../etc/passwd", "/status%00.html", "/templates/../etc/passwd", "//etc/passwd", "/./././etc/passwd", "/%2e%2e%5c%2e%2e%5cetc%5cpasswd",
	}
	for _, path := range paths {
		for _, cookie := range []string{"", "Cookie: __Host-quorate=" + admin.cookie().Value + "\r\n"} {
			a := nobody.raw("GET " + path + " HTTP/1.1\r\nHost: cb2\r\n" + cookie + "Connection: close\r\n\r\n")
			if !strings.HasPrefix(a, "HTTP/1.1 404 ") || !strings.Contains(a, "there is no such page") || strings.Contains(a, "root:") {
				t.Errorf("%s answers %.200q", path, a)
			}
		}
	}
	s.told(journal.WebRefused, "there is no such page", "..")
	files := []string{"../../../../../../etc/passwd", "/etc/shadow", "..%2f..%2fstate%2fconfd", "xmpp.key", "xmpp.key%00.cer", "../exchange/x.cer", "%2e%2e/xmpp.key"}
	other := s.signedIn("admin", s.lab.Node("cb3").Dial)
	for _, file := range files {
		a := other.get("/certificates?download=" + file)
		if a.code < 400 || a.code >= 500 || a.header.Get("Content-Disposition") != "" || strings.Contains(a.body, "root:") {
			t.Errorf("downloading %s answers %d: %.200q", file, a.code, a.body)
		}
		s.nothingIn(a.body)
	}
	s.told(journal.WebRefused, "from "+s.lab.Node("cb3").Addr(), "/certificates")
	s.held()
	t.Logf("M3.5 path traversal: %d addresses answered 404, %d files refused, told in the journal", len(paths), len(files))
}

// More than a page takes is refused before it is looked at, and costs no memory.
func TestM3_5_OversizedUpload(t *testing.T) {
	s := besiege(t)
	admin := s.signedIn("admin")
	memory, err := s.node.Memory("webd")
	must(t, err)
	cookie := "Host: cb2\r\nCookie: __Host-quorate=" + admin.cookie().Value + "\r\nSec-Fetch-Site: same-origin\r\n"
	const size = 64 << 20
	body := "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"big.cer\"\r\n\r\n" + strings.Repeat("x", 6<<20)
	a := admin.raw(fmt.Sprintf("POST /certificates HTTP/1.1\r\n%sContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n%s", cookie, size, body))
	must(t, wantf(strings.HasPrefix(a, "HTTP/1.1 413 "), "64 MiB answers %.300q", a))
	s.told(journal.WebRefused, "too large", "POST /certificates")
	s.want(admin.post("/configuration/general", url.Values{"name": {strings.Repeat("x", 1<<20)}}), http.StatusRequestEntityTooLarge)
	for name, header := range map[string]string{"header": "X-Large: " + strings.Repeat("x", 64<<10), "cookie": "Cookie: x=" + strings.Repeat("x", 64<<10), "address": ""} {
		path := "/signin"
		if header == "" {
			path += "?" + strings.Repeat("x", 64<<10)
		}
		a := admin.raw("GET " + path + " HTTP/1.1\r\nHost: cb2\r\n" + header + "\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(a, "HTTP/1.1 431 ") {
			t.Errorf("an oversized %s answers %.100q", name, a)
		}
	}
	now, err := s.node.Memory("webd")
	must(t, err)
	must(t, wantf(now-memory < 48<<20, "it cost %d MiB", (now-memory)>>20))
	s.held()
	t.Logf("M3.5 oversized upload: 64 MiB → 413 after 4 MiB, 1 MiB of form → 413, 64 KiB of header → 431; %d KiB of memory", max(0, now-memory)>>10)
}

// Forms of thousands of parts, or of parts that are all header, or without end.
func TestM3_5_MultipartBomb(t *testing.T) {
	s := besiege(t)
	admin := s.signedIn("admin")
	part := func(name, content string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + content + "\r\n"
	}
	bombs := map[string]string{
		"5000 parts":        strings.Repeat(part("x", "y"), 5000) + "--b--\r\n",
		"a name of 1 MiB":   part(strings.Repeat("n", 1<<20), "x") + "--b--\r\n",
		"2000 headers":      "--b\r\n" + strings.Repeat("X-H: y\r\n", 20000) + "\r\nx\r\n--b--\r\n",
		"no end":            "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n" + strings.Repeat("x", 1<<20),
		"a field of 1 MiB":  part("csrf", strings.Repeat("x", 1<<20)) + "--b--\r\n",
		"20 files":          strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.cer\"\r\n\r\nx\r\n", 20) + "--b--\r\n",
		"nothing":           "",
		"a form in a form":  "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" + strings.Repeat("--c\r\n\r\nx\r\n", 1000) + "--c--\r\n--b--\r\n",
		"a boundary inside": "--b\r\n" + strings.Repeat("--b\r\n\r\n", 3000),
	}
	for name, body := range bombs {
		begun := time.Now()
		r := admin.request(http.MethodPost, "/certificates", strings.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if a := admin.do(r); a.code != http.StatusBadRequest && a.code != http.StatusForbidden {
			t.Errorf("%s: %d", name, a.code)
		}
		must(t, wantf(time.Since(begun) < 5*time.Second, "%s took %v", name, time.Since(begun)))
	}
	s.told(journal.WebRefused, "POST /certificates", "no form of this page")
	s.held()
	t.Logf("M3.5 multipart bomb: %d kinds refused with 400 or 403, told in the journal", len(bombs))
}

// No other site does anything with a person's sign-in.
func TestM3_5_CSRF(t *testing.T) {
	s := besiege(t)
	admin, token := s.signedIn("admin"), ""
	token = admin.token()
	attacker := s.signedIn("operator", s.lab.Node("cb3").Dial)
	forged := map[string]func(*http.Request, url.Values){
		"no token":        func(_ *http.Request, f url.Values) { f.Del("csrf") },
		"another's token": func(_ *http.Request, f url.Values) { f.Set("csrf", attacker.token()) },
		"another site":    func(r *http.Request, _ url.Values) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another port":    func(r *http.Request, _ url.Values) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"an old browser": func(r *http.Request, _ url.Values) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "https://evil.example")
		},
		"a frame without origin": func(r *http.Request, _ url.Values) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") },
		"plain text":             func(r *http.Request, _ url.Values) { r.Header.Set("Content-Type", "text/plain") },
	}
	for _, path := range []string{"/configuration/xmpp", "/signout"} {
		for name, forge := range forged {
			f := url.Values{"action": {"bridge-add"}, "bridge": {"forged"}, "csrf": {token}}
			probe := admin.request(http.MethodPost, path, nil)
			probe.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			probe.Header.Set("Sec-Fetch-Site", "same-origin")
			forge(probe, f)
			r := admin.request(http.MethodPost, path, strings.NewReader(f.Encode()))
			r.Header = probe.Header
			if a := admin.do(r); a.code != http.StatusForbidden && a.code != http.StatusBadRequest {
				t.Errorf("%s on %s: %d", name, path, a.code)
			}
		}
	}
	s.want(admin.get("/status"), http.StatusOK, "Sign out") // still signed in
	s.told(journal.WebRefused, "the form was sent by another site")
	s.told(journal.WebRefused, "the form does not belong to this sign-in")
	s.held()
	t.Logf("M3.5 CSRF: %d forged forms refused on a page and on sign-out, told in the journal", len(forged))
}

// A GET changes nothing, whatever it says, nor does another method.
func TestM3_5_GetChangesNothing(t *testing.T) {
	s := besiege(t)
	admin := s.signedIn("admin")
	token, n := admin.token(), 0
	for _, d := range deedsOfPages(t) {
		form := everyField(d.action, token)
		for _, path := range []string{d.path + "?" + form.Encode(), d.path + "?_method=POST&" + form.Encode()} {
			r := admin.request(http.MethodGet, path, nil)
			r.Header.Set("X-HTTP-Method-Override", http.MethodPost)
			if a := admin.do(r); a.code >= 500 {
				t.Errorf("GET %s: %d", path, a.code)
			}
			n++
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodTrace, "QUERY"} {
		r := admin.request(method, "/configuration/xmpp?"+everyField("bridge-add", token).Encode(), nil)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		s.want(admin.do(r), http.StatusMethodNotAllowed)
	}
	s.told(journal.WebRefused, "does not take that method")
	s.noChange()
	s.held()
	t.Logf("M3.5 GET: %d GETs with a form's fields and 5 other methods changed nothing", n)
}

// A session is what a sign-in made, no cookie brought along, and ends for good.
func TestM3_5_SessionFixation(t *testing.T) {
	s := besiege(t)
	b := s.stranger()
	planted := &http.Cookie{Name: "__Host-quorate", Value: strings.Repeat("A", 43), Path: "/", Secure: true}
	b.plant(planted)
	b.signIn("admin")
	first := b.cookie()
	must(t, wantf(first.Value != planted.Value, "the planted cookie is the session's"))
	thief := s.elsewhere()
	thief.plant(planted)
	s.want(thief.get("/status"), http.StatusSeeOther)

	// Cookie tossing: of two by the name neither counts, whichever comes first.
	tossed := s.signedIn("operator", s.lab.Node("cb3").Dial).cookie().Value
	for _, order := range []string{first.Value + "; __Host-quorate=" + tossed, tossed + "; __Host-quorate=" + first.Value} {
		a := thief.raw("GET /status HTTP/1.1\r\nHost: cb2\r\nCookie: __Host-quorate=" + order + "\r\nConnection: close\r\n\r\n")
		must(t, wantf(strings.HasPrefix(a, "HTTP/1.1 303 "), "two cookies answer %.100q", a))
	}

	// Two roles in one browser: the second sign-in ends the first, and a page of
	// the first does nothing in the name of the second.
	token := b.token()
	b.signIn("operator")
	thief.plant(first)
	s.want(thief.get("/status"), http.StatusSeeOther)
	s.want(b.post("/configuration/xmpp", url.Values{"action": {"disable"}, "csrf": {token}}), http.StatusForbidden, "does not belong to this sign-in")
	s.want(b.get("/status"), http.StatusOK, "operator")

	// A cookie that was stolen is worth nothing after the sign-out.
	stolen := b.cookie()
	s.want(b.post("/signout", url.Values{"csrf": {b.token()}}), http.StatusSeeOther)
	thief.plant(stolen)
	s.want(thief.get("/status"), http.StatusSeeOther)
	s.want(thief.get("/status/live"), http.StatusOK, "event: end\ndata:\n\n")
	s.told(journal.SignedIn, "admin signed in from", "administrator")
	s.told(journal.SignedIn, "operator signed in from")
	s.told(journal.WebRefused, "does not belong to this sign-in")
	s.held()
	t.Log("M3.5 session fixation: a planted, a tossed, a replaced and a stolen cookie are worth nothing")
}

// What a request says is in no header of the answer and forges no journal entry.
func TestM3_5_HeaderInjection(t *testing.T) {
	s := besiege(t)
	nobody := s.stranger()
	const crlf = "%0d%0aSet-Cookie:%20forged=1%0d%0a%0d%0a"
	for _, path := range []string{"/" + crlf, "/signin?next=" + crlf, "/status?x=" + crlf, "/signin?next=/status" + crlf, "/..%0aPRIORITY=0%0aMESSAGE=forged"} {
		a := nobody.get(path)
		if a.header.Get("Set-Cookie") != "" || strings.Contains(a.header.Get("Location"), "\n") || a.code >= 500 {
			t.Errorf("%s answers %d %v", path, a.code, a.header)
		}
	}
	hosts := map[string]string{
		"none": "", "two": "Host: cb2\r\nHost: evil.example\r\n", "a path": "Host: evil.example/x\r\n", "a user": "Host: cb2@evil.example\r\n",
		"markup": "Host: <script>alert(1)</script>\r\n", "a blank": "Host: cb2 evil.example\r\n",
		"no name": "Host: $evil.example:99999999\r\n", // well-formed by RFC 3986 §3.2.2, which is all that Go's server asks
	}
	for name, host := range hosts {
		a := nobody.raw("GET /signin HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n")
		if !strings.HasPrefix(a, "HTTP/1.1 400 ") || strings.Contains(a, "evil.example") || strings.Contains(a, "<script>alert") {
			t.Errorf("Host: %s answers %.300q", name, a)
		}
	}
	for _, start := range []string{"GET https://evil.example/status HTTP/1.1\r\nHost: cb2", "GET /status HTTP/1.1\r\nHost: evil.example", "GET /status HTTP/1.1\r\nHost: cb2\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example;for=1.2.3.4"} {
		a := nobody.raw(start + "\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(a, "HTTP/1.1 303 ") || strings.Contains(a, "evil.example") || !strings.Contains(a, "Location: /signin?next=%2Fstatus\r\n") {
			t.Errorf("%q answers %.300q", start, a)
		}
	}
	s.want(nobody.post("/signin", url.Values{"user": {"admin\r\nMESSAGE=forged\nPRIORITY=0"}, "password": {"forged\nMESSAGE=forged"}}), http.StatusForbidden)
	s.told(journal.WebRefused, "the Host header names no host")
	s.told(journal.WebRefused, `\n`) // quoted
	s.told(journal.SignInFailed, "an unknown name")
	for _, e := range s.entries() {
		if e["MESSAGE"] == "forged" || e["PRIORITY"] == "0" {
			t.Errorf("an entry was forged: %v", e)
		}
	}
	s.held()
	t.Logf("M3.5 header injection: no header of an answer and no entry of the journal is a stranger's; %d forms of Host refused", len(hosts))
}

// After the sign-in a person is on a page of this node, whatever the link said.
func TestM3_5_OpenRedirect(t *testing.T) {
	s := besiege(t)
	links := []string{"https://evil.example/", "//evil.example", `\\evil.example`, "/\\evil.example", "javascript:alert(1)", "/status@evil.example", "%2f%2fevil.example", "/signin?next=//evil.example", "///evil.example/..", "\t//evil.example"}
	admin := s.signedIn("admin")
	for _, link := range links {
		a := admin.post("/signin", url.Values{"user": {"admin"}, "password": {lab.Password}, "next": {link}})
		if a.code != http.StatusSeeOther || a.header.Get("Location") != "/status" {
			t.Errorf("%q leads to %d %q", link, a.code, a.header.Get("Location"))
		}
		b := admin.get("/signin?next=" + url.QueryEscape(link))
		if b.header.Get("Location") != "/status" {
			t.Errorf("%q leads a signed-in person to %q", link, b.header.Get("Location"))
		}
	}
	s.told(journal.SignedIn, "admin signed in from")
	s.held()
	t.Logf("M3.5 open redirect: %d links lead nowhere but to the status page", len(links))
}

// Fifty guesses from one address are five; the owner signs in meanwhile from
// another, which was never seen before.
func TestM3_5_BruteForce(t *testing.T) {
	s := besiege(t)
	const guesses = 50
	codes := make(chan int, guesses)
	begun := time.Now()
	var wg sync.WaitGroup
	for i := range guesses {
		s.secrets = append(s.secrets, fmt.Sprintf("guess of a password %02d", i))
	}
	browsers := make([]*stranger, 10)
	for i := range browsers {
		browsers[i] = s.stranger()
		wg.Go(func() {
			for j := range guesses / len(browsers) {
				codes <- browsers[i].post("/signin", url.Values{"user": {"admin"}, "password": {fmt.Sprintf("guess of a password %02d", i*5+j)}}).code
			}
		})
	}
	owner := s.elsewhere()
	owner.signIn("admin")
	s.want(owner.get("/status"), http.StatusOK, "administrator")
	wg.Wait()
	took := time.Since(begun)
	close(codes)
	count := map[int]int{}
	for code := range codes {
		count[code]++
	}
	must(t, wantf(count[http.StatusForbidden] <= 6 && count[http.StatusForbidden] >= 4 && count[http.StatusTooManyRequests] >= guesses-6 && count[http.StatusSeeOther] == 0,
		"%d guesses in %v were answered %v", guesses, took, count))
	late := s.stranger().post("/signin", url.Values{"user": {"admin"}, "password": {lab.Password}})
	s.want(late, http.StatusTooManyRequests, "too many sign-ins failed")
	must(t, wantf(late.header.Get("Retry-After") != "", "it does not say how long"))
	s.told(journal.SignInFailed, "admin did not sign in from 10.77.0.1", "the name or the password is wrong")
	s.told(journal.WebThrottled, "sign-in from 10.77.0.1 has to wait")
	s.told(journal.SignedIn, "admin signed in from "+s.lab.Node("cb3").Addr())
	lines := len(s.entries("SYSLOG_IDENTIFIER=webd"))
	must(t, wantf(lines <= 15, "the guesses fill the journal with %d lines", lines))
	s.held()
	t.Logf("M3.5 brute force: of %d guesses in %v %d were looked at, the rest put off; the owner signed in from another address; %d lines of the journal",
		guesses, took.Round(time.Second), count[http.StatusForbidden], lines)
}

// Ten thousand names cost no memory.
func TestM3_5_ManyNames(t *testing.T) {
	s := besiege(t)
	before, err := s.node.Memory("webd")
	must(t, err)
	const names, workers = 10_000, 8
	var wg sync.WaitGroup
	for w := range workers {
		b := s.stranger()
		wg.Go(func() {
			for i := range names / workers {
				user := fmt.Sprintf("%d-%s", w*names+i, strings.Repeat("u", 200))
				if a := b.post("/signin", url.Values{"user": {user}, "password": {"x"}}); a.code != http.StatusTooManyRequests && a.code != http.StatusForbidden {
					t.Errorf("%s: %d", user[:10], a.code)
					return
				}
			}
		})
	}
	wg.Wait()
	after, err := s.node.Memory("webd")
	must(t, err)
	must(t, wantf(after-before < 32<<20, "%d names cost %d MiB", names, (after-before)>>20))
	s.elsewhere().signIn("admin")
	s.told(journal.WebThrottled, "has to wait")
	s.held()
	t.Logf("M3.5 many names: %d sign-ins under names of their own cost %d KiB; admin signs in from another address", names, max(0, after-before)>>10)
}

// form makes the body of a form with one file, whose name is written as it is.
func form(token, action, name string, content []byte) (body *bytes.Buffer, kind string) {
	body = &bytes.Buffer{}
	m := multipart.NewWriter(body)
	for field, value := range map[string]string{"csrf": token, "action": action} {
		_ = m.WriteField(field, value) // to memory
	}
	w, _ := m.CreatePart(map[string][]string{"Content-Disposition": {`form-data; name="files"; filename="` + name + `"`}}) // to memory
	_, _ = w.Write(content)
	_ = m.Close()
	return body, m.FormDataContentType()
}
