package web

import (
	"crypto/tls"
	"fmt"
	"image/png"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/browser"
)

// sample is a page with one of everything the harness can do. It has faults of
// accessibility when asked for them.
const sample = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sample</title>
<link rel="stylesheet" href="/style.css"><link rel="icon" href="data:,"></head><body><main><h1>Sample</h1>
<noscript><p>without script</p></noscript>
<form method="post" action="/sent" enctype="multipart/form-data">
<label for="name">Name</label> <input id="name" name="name" value="old">
<label for="kind">Kind</label> <select id="kind" name="kind"><option>one</option><option>two</option></select>
<label for="file">File</label> <input id="file" name="file" type="file">
<button id="send" type="submit">Send</button></form>
<p id="late"></p>%s</main><script src="/script.js"></script></body></html>`

// style and script are what the page loads; the script may set a text later.
const (
	style  = "body{background:#ffffff;color:#000000}@media (prefers-color-scheme:dark){body{background:#000000;color:#ffffff}}"
	script = "setTimeout(() => { document.getElementById('late').textContent = 'ready at last'; }, 200);"
)

// site serves over TLS under the name localhost and returns its address.
func site(t *testing.T, ca *lab.CA, pages http.Handler) string {
	t.Helper()
	cert, key, err := ca.Issue(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "localhost")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(pages)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "https://localhost:" + port
}

func sampleSite() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self'")
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "abc", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
		bad := ""
		if r.URL.Query().Has("bad") {
			bad = `<input name="unlabelled"><script>document.title = "injected"</script>`
		}
		fmt.Fprintf(w, sample, bad)
	})
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		fmt.Fprint(w, style)
	})
	mux.HandleFunc("GET /script.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, script)
	})
	mux.HandleFunc("POST /sent", func(w http.ResponseWriter, r *http.Request) {
		_, file, err := r.FormFile("file")
		name := "none"
		if err == nil {
			name = file.Filename
		}
		fmt.Fprintf(w, "<!doctype html><title>Sent</title><p id=got>%s %s %s %s</p>", r.FormValue("name"), r.FormValue("kind"), name, r.Header.Get("Cookie"))
	})
	return mux
}

var kinds = []browser.Kind{browser.Chromium, browser.Firefox}

func start(t *testing.T, kind browser.Kind, opts browser.Options) *browser.Page {
	t.Helper()
	b, err := browser.Start(t.Context(), kind, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Log(b.Version())
	p, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got checks what a page told.
func got[T any](t *testing.T, what string, want T) func(T, error) {
	return func(value T, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		} else if diff := cmp.Diff(want, value); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

func TestHarness(t *testing.T) {
	ca, err := lab.NewCA("Test CA")
	must(t, err)
	url := site(t, ca, sampleSite())
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			p := start(t, kind, browser.Options{CA: ca.PEM()})
			look(t, p, url)
			keyboard(t, p)
			accessible(t, p, url)
			submit(t, p, url)
		})
	}
}

func look(t *testing.T, p *browser.Page, url string) {
	v, err := p.Goto(url + "/")
	must(t, err)
	if v.Status != 200 || v.URL != url+"/" {
		t.Errorf("visited %+v", v)
	}
	must(t, p.WaitText("ready at last"))
	got(t, "title", "Sample")(p.Title())
	got(t, "text", "Sample")(p.Text("h1"))
	got(t, "attribute", "file")(p.Attribute("#file", "type"))
	got(t, "count", 2)(p.Count("option"))
	got(t, "visible", false)(p.Visible("noscript"))
	requests, err := p.Requests()
	must(t, err)
	var paths []string
	for _, r := range requests {
		if path, ours := strings.CutPrefix(r.URL, url); ours {
			paths = append(paths, path)
		} else if !strings.HasPrefix(r.URL, "data:") {
			t.Errorf("the page asks %s", r.URL)
		}
	}
	slices.Sort(paths)
	got(t, "requests", []string{"/", "/script.js", "/style.css"})(paths, nil)
	timing, err := p.Timing()
	must(t, err)
	if timing.Milliseconds <= 0 || timing.Bytes < 1000 || timing.Bytes > 10_000 || timing.Requests < 3 {
		t.Errorf("timing %+v", timing)
	}
	cookies, err := p.Cookies()
	must(t, err)
	if len(cookies) != 1 || !cookies[0].Secure || !cookies[0].HTTPOnly || !strings.EqualFold(cookies[0].SameSite, "strict") {
		t.Errorf("cookies %+v", cookies)
	}
	picture(t, p)
}

// picture checks that a screenshot is an image of the size asked for.
func picture(t *testing.T, p *browser.Page) {
	must(t, p.Viewport(400, 300))
	file := filepath.Join(t.TempDir(), "page.png")
	must(t, p.Screenshot(file, false))
	f, err := os.Open(file)
	must(t, err)
	defer f.Close()
	config, err := png.DecodeConfig(f)
	if err != nil || config.Width != 400 || config.Height != 300 {
		t.Errorf("the screenshot is %d by %d, %v", config.Width, config.Height, err)
	}
}

func keyboard(t *testing.T, p *browser.Page) {
	var order []string
	for range 4 {
		must(t, p.Press("Tab"))
		f, err := p.Focused()
		must(t, err)
		if !f.Outlined {
			t.Errorf("one does not see that %s has the keyboard", f.ID)
		}
		order = append(order, f.ID)
	}
	got(t, "order of the keyboard", []string{"name", "kind", "file", "send"})(order, nil)
}

func accessible(t *testing.T, p *browser.Page, url string) {
	broken, kept, err := p.Axe()
	if err != nil || len(broken) > 0 || kept < 5 {
		t.Errorf("axe: %+v, %d kept, %v", broken, kept, err)
	}
	_, err = p.Complaints()
	must(t, err)
	_, err = p.Goto(url + "/?bad")
	must(t, err)
	broken, _, err = p.Axe()
	if err != nil || !slices.ContainsFunc(broken, func(v browser.Violation) bool { return v.ID == "label" && v.Impact == "critical" }) {
		t.Errorf("axe does not notice an input without a label: %+v, %v", broken, err)
	}
	got(t, "title under the policy", "Sample")(p.Title())
	said, err := p.Complaints()
	if err != nil || !strings.Contains(strings.Join(said, "\n"), "Content") {
		t.Errorf("the browser says nothing of the policy: %q, %v", said, err)
	}
}

func submit(t *testing.T, p *browser.Page, url string) {
	_, err := p.Goto(url + "/")
	must(t, err)
	file := filepath.Join(t.TempDir(), "xmpp.cer")
	must(t, os.WriteFile(file, []byte("x"), 0o600))
	must(t, p.Fill("#name", "Grüße"))
	got(t, "value", "Grüße")(p.Value("#name"))
	must(t, p.Select("#kind", "two"))
	must(t, p.Upload("#file", file))
	must(t, p.SetCookie("extra", "1"))
	v, err := p.Follow("#send")
	if err != nil || v.URL != url+"/sent" {
		t.Errorf("visited %+v, %v", v, err)
	}
	text, err := p.Text("#got")
	if err != nil || !strings.HasPrefix(text, "Grüße two xmpp.cer ") || !strings.Contains(text, "session=abc") || !strings.Contains(text, "extra=1") {
		t.Errorf("the site got %q, %v", text, err)
	}
}

func TestHarnessWithoutScriptAndDark(t *testing.T) {
	ca, err := lab.NewCA("Test CA")
	must(t, err)
	url := site(t, ca, sampleSite())
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			p := start(t, kind, browser.Options{CA: ca.PEM(), NoScript: true, Dark: true})
			_, err := p.Goto(url + "/")
			must(t, err)
			must(t, p.WaitText("without script"))
			got(t, "background", "rgb(0, 0, 0)")(background(p))
			must(t, p.Fill("#name", "plain"))
			_, err = p.Follow("#send")
			must(t, err)
			got(t, "sent", true)(p.Visible("#got"))
		})
	}
}

func background(p *browser.Page) (colour string, err error) {
	err = p.Evaluate("getComputedStyle(document.body).backgroundColor", &colour)
	return colour, err
}

func TestHarnessSchemes(t *testing.T) {
	ca, err := lab.NewCA("Test CA")
	must(t, err)
	p := start(t, browser.Chromium, browser.Options{CA: ca.PEM()})
	_, err = p.Goto(site(t, ca, sampleSite()) + "/")
	must(t, err)
	got(t, "light", "rgb(255, 255, 255)")(background(p))
	must(t, p.Scheme(true))
	got(t, "dark", "rgb(0, 0, 0)")(background(p))
}

// Certificates are verified: another authority's site is not shown.
func TestHarnessVerifiesCertificates(t *testing.T) {
	ca, err := lab.NewCA("Test CA")
	must(t, err)
	other, err := lab.NewCA("Other CA")
	must(t, err)
	url := site(t, other, sampleSite())
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			p := start(t, kind, browser.Options{CA: ca.PEM()})
			if v, err := p.Goto(url + "/"); err == nil {
				t.Errorf("a site of an authority that is not trusted was shown: %+v", v)
			}
		})
	}
}

// A browser runs in the namespace it is given: from an empty one there is no way
// to the site.
func TestHarnessNamespace(t *testing.T) {
	ca, err := lab.NewCA("Test CA")
	must(t, err)
	name := fmt.Sprintf("quorate-t%d-web", os.Getpid())
	ip(t, "netns", "add", name)
	t.Cleanup(func() { ip(t, "netns", "delete", name) })
	ip(t, "-n", name, "link", "set", "lo", "up") // the driver reaches its browser over it
	p := start(t, browser.Chromium, browser.Options{CA: ca.PEM(), NetNS: name})
	if _, err := p.Goto(site(t, ca, sampleSite()) + "/"); err == nil || !strings.Contains(err.Error(), "net::ERR_") {
		t.Errorf("the site of another namespace was reached: %v", err)
	}
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}
