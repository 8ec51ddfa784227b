package web

import (
	"bufio"
	"context"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// plainLooks gives the live pages templates that a test can read.
func plainLooks(r *rig) {
	for file, text := range map[string]string{
		"status.html": `{{define "content"}}{{template "live" .}}{{end}}
{{define "live"}}state {{.Data.Cluster.Value.State}}{{with .Data.Cluster.Fault}}{{.Message}}{{end}}
xmpp {{.Data.Xmpp.Value.Running}} {{with .Data.Xmpp.Fault}}{{.Message}}{{end}}
bridge {{.Data.Bridge.Value.Text}}{{with .Data.Bridge.Fault}}{{.Message}}{{end}}
certificates {{len .Data.Certificates.Value}}{{with .Data.Certificates.Fault}}{{.Message}}{{end}}
{{range .Data.Faults}}fault {{.Text}}{{end}}{{end}}`,
		"logs.html": `{{define "content"}}{{range .Data.Units}}{{.}} {{end}}{{.Data.Query}}
{{with .Data.Lines.Fault}}{{.Message}}{{end}}{{template "live" .}}{{end}}
{{define "live"}}{{range .Data.Lines.Value}}<li>{{.Unit}} {{.Level}} {{.Text}}</li>
{{end}}{{end}}`,
	} {
		t := template.Must(r.server.looks["error.html"].Clone())
		r.server.looks[file] = template.Must(t.Parse(text))
	}
}

// journalOf puts a journalctl on PATH that runs a script.
func journalOf(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	if err := os.WriteFile(filepath.Join(dir, "journalctl"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// entryLine is an entry as journalctl writes it.
func entryLine(n, priority int, message string) string {
	return fmt.Sprintf(`{"__CURSOR":"s=%d;i=1","__REALTIME_TIMESTAMP":"%d","_HOSTNAME":"cb1","SYSLOG_IDENTIFIER":"xmppd","PRIORITY":"%d","MESSAGE":%q}`,
		n, 1795250000000000+n*1000, priority, message)
}

// listen opens a live page and returns its events, each as its lines of data.
func (b *browser) listen(path string) (events <-chan string, stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	req := b.request(http.MethodGet, path, nil).WithContext(ctx)
	endless := *b.http
	endless.Timeout = 0
	resp, err := endless.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		b.t.Fatalf("%s: %d %s", path, resp.StatusCode, got)
	}
	out := make(chan string, 64)
	go func() {
		defer close(out)
		defer resp.Body.Close()
		readEvents(resp.Body, out)
	}()
	b.t.Cleanup(cancel)
	return out, cancel
}

func readEvents(body io.Reader, out chan<- string) {
	event := ""
	for in := bufio.NewScanner(body); in.Scan(); {
		switch line := in.Text(); {
		case strings.HasPrefix(line, "data: "):
			event += strings.TrimPrefix(line, "data: ") + "\n"
		case strings.HasPrefix(line, "event: "):
			event += line + "\n"
		case line == "" && event != "":
			out <- event
			event = ""
		}
	}
}

// next waits for an event that holds text.
func next(t *testing.T, events <-chan string, text string) {
	t.Helper()
	over := time.After(limit)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatalf("the page ended before %q", text)
			}
			if strings.Contains(e, text) {
				return
			}
		case <-over:
			t.Fatalf("%q is not shown", text)
		}
	}
}

func TestStatusIsLive(t *testing.T) {
	journalOf(t, "exit 0")
	r := newRig(t, plainLooks)
	b := r.signedIn("operator")
	want(t, b.get("/status"), http.StatusOK, "state LEADER", "connected to cb1.meet.example:5223 (secure)")
	s := r.server.sessions.find(b.cookie(), time.Now(), time.Hour)
	active := time.Now().Add(-time.Minute)
	s.touch(active)
	events, stop := b.listen("/status/live")
	next(t, events, "state LEADER")
	r.xmpp.setState("NO LEADER")
	next(t, events, "state NO LEADER")
	b.get("/status?auto")
	if s.last != active {
		t.Error("a live page counts as activity")
	}
	stop()
	r.until("the stream is left", func() bool {
		r.server.streams.mu.Lock()
		defer r.server.streams.mu.Unlock()
		return r.server.streams.total == 0 && len(r.server.streams.open) == 0
	})
	events, _ = b.listen("/status/live")
	next(t, events, "state")
	s.touch(time.Now().Add(-time.Hour))
	next(t, events, "event: end")
	if _, more := <-events; more {
		t.Error("the page goes on without a sign-in")
	}
}

func TestLivePagesAreBounded(t *testing.T) {
	journalOf(t, "exit 0")
	r := newRig(t, plainLooks)
	b := r.signedIn("admin")
	var stop func()
	for range maxStreamsOfSession {
		_, stop = b.listen("/status/live")
	}
	want(t, b.get("/status/live"), http.StatusServiceUnavailable, "too many live pages")
	stop()
	r.until("there is room again", func() bool {
		r.server.streams.mu.Lock()
		defer r.server.streams.mu.Unlock()
		return r.server.streams.total == maxStreamsOfSession-1
	})
	b.listen("/status/live")
}

// A service that is silent or not there costs the page no more than patience,
// and the page says so in its place.
func TestStatusWithoutServices(t *testing.T) {
	journalOf(t, "exit 0")
	r := newRig(t, plainLooks)
	defer r.xmpp.fallSilent()()
	b := r.signedIn("admin")
	begin := time.Now()
	a := b.get("/status")
	if took := time.Since(begin); took > patience+2*time.Second {
		t.Errorf("the page took %v", took)
	}
	want(t, a, http.StatusOK, "state LEADER", "xmpp false", "did not answer in time", "bridge connected to")
}

func TestStatusIsQuick(t *testing.T) {
	journalOf(t, "exit 0")
	r := newRig(t)
	b := r.signedIn("admin")
	b.get("/status") // the connection and the account's look-up are done
	begin := time.Now()
	a := b.get("/status")
	want(t, a, http.StatusOK)
	if took := time.Since(begin); took > time.Second { // 100 ms on a machine with nothing else to do
		t.Errorf("the page took %v", took)
	}
	size := len(a.body)
	for _, asset := range r.server.assets.body {
		size += len(asset)
	}
	if size > 150<<10 {
		t.Errorf("the page and its files have %d KiB", size>>10)
	}
}

func TestEventLog(t *testing.T) {
	journalOf(t, `echo "$@" >&2
cat <<'E'
`+entryLine(1, 3, "it broke <script>")+"\n"+entryLine(2, 5, "it goes")+"\nE")
	r := newRig(t, plainLooks)
	b := r.signedIn("operator")
	want(t, b.get("/logs?unit=xmppd&level=warning&lines=50"), http.StatusOK, "<li>xmppd error it broke &lt;script&gt;</li>", "<li>xmppd info it goes</li>",
		"level=warning&amp;lines=50&amp;unit=xmppd", "callbridged")
	want(t, b.get("/logs?unit=--file%3D/etc/shadow"), http.StatusOK, "is not the name of a unit")
	a := b.get("/logs/download?text=it")
	want(t, a, http.StatusOK, "cb1 xmppd ERROR it broke <script>\n")
	if got := a.header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename=cb1-") {
		t.Errorf("sent as %s", got)
	}
	if got := a.header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("sent as %s", got)
	}
}

func TestEventLogIsLive(t *testing.T) {
	journalOf(t, `case "$*" in *--follow*) echo '`+entryLine(1, 4, "careful")+`'; exec sleep 60;; esac`)
	r := newRig(t, plainLooks)
	events, stop := r.signedIn("operator").listen("/logs/live?level=info")
	next(t, events, "<li>xmppd warning careful</li>")
	stop()
}

func TestFilter(t *testing.T) {
	form := func(s string) filter {
		r, _ := http.NewRequest(http.MethodGet, "/logs?"+s, nil)
		return filterOf(r.URL.Query())
	}
	for query, want := range map[string]filter{
		"":                                       {Lines: someLines},
		"unit=xmppd&level=error":                 {Unit: "xmppd", Level: "error", Lines: someLines},
		"level=loud&lines=-4":                    {Lines: someLines},
		"lines=999999999":                        {Lines: mostLines},
		"text=" + strings.Repeat("x", 2*maxText): {Text: strings.Repeat("x", maxText), Lines: someLines},
	} {
		if got := form(query); got != want {
			t.Errorf("%s: %+v", query, got)
		}
	}
	if q := (filter{Level: "warning"}).query(); q.Priority != 4 {
		t.Errorf("warning is priority %d", q.Priority)
	}
}

func TestWordsOfFaults(t *testing.T) {
	for err, want := range map[error]fault.Code{
		context.DeadlineExceeded: fault.Timeout, context.Canceled: fault.Unavailable, io.EOF: fault.Internal, fault.New(fault.DNS, "x"): fault.DNS,
	} {
		if got := asFault(err); got.Code != want || got.Message == "" {
			t.Errorf("%v: %+v", err, got)
		}
	}
}

func TestWorstFirst(t *testing.T) {
	got := worstFirst([]bus.Fault{{Code: string(fault.NoTolerance)}, {Code: string(fault.DNS)}, {Code: string(fault.Drift)}, {Code: string(fault.NoQuorum)}})
	for i, code := range []fault.Code{fault.DNS, fault.NoQuorum, fault.NoTolerance, fault.Drift} {
		if got[i].Code != string(code) {
			t.Errorf("%d is %s, want %s", i, got[i].Code, code)
		}
	}
}
