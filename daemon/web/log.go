package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/logs"
)

// line is one entry of the journal as pages show it.
type line struct {
	At    string // RFC 3339
	Unit  string // what wrote it: xmppd, confd …
	Level string // error, warning, info or debug
	Text  string
}

// levels are the choices of the log page, from the worst, with the journal's
// least urgent priority of each.
var levels = []struct {
	name     string
	priority int
}{{"error", 3}, {"warning", 4}, {"info", 6}, {"debug", 7}}

func lineOf(e logs.Entry) line {
	l := line{At: e.Time.Format("2006-01-02T15:04:05.000Z07:00"), Unit: logs.Printable(e.Identifier), Level: "debug", Text: logs.Printable(e.Text())}
	for _, x := range slices.Backward(levels) {
		if e.Priority <= x.priority {
			l.Level = x.name
		}
	}
	return l
}

// eventLog is what the log page shows.
type eventLog struct {
	Filter filter
	Units  []string // that can be chosen
	Levels []string // from the worst
	Lines  answer[[]line]
	Query  string // of Filter, for the links to /logs/live?… and /logs/download?…
}

// filter is what the form of the log page asks for: the fields unit, level,
// text and lines of a GET.
type filter struct {
	Unit  string // empty: all
	Level string // at least as bad as this; empty: all
	Text  string
	Lines int
}

// How many entries a page or a file has. What can not be read in logTime is
// left out, and the page says so.
const (
	someLines     = 100
	mostLines     = 2000
	downloadLines = 50_000
	downloadBytes = 16 << 20
	downloadTime  = 30 * time.Second
	logTime       = 5 * time.Second
	maxText       = 200
)

func logsPage() page {
	return page{path: "/logs", title: "Event log", menu: "Logs", view: func(ctx context.Context, v *visit) (any, error) {
		return readLog(ctx, filterOf(v.form)), nil
	}}
}

// filterOf reads the form; what makes no sense in it is left out.
func filterOf(form url.Values) filter {
	f := filter{Unit: strings.TrimSpace(form.Get("unit")), Level: form.Get("level"), Text: strings.TrimSpace(form.Get("text")), Lines: someLines}
	if !slices.Contains(levelNames(), f.Level) {
		f.Level = ""
	}
	f.Unit, f.Text = f.Unit[:min(len(f.Unit), maxText)], f.Text[:min(len(f.Text), maxText)]
	if n, err := strconv.Atoi(form.Get("lines")); err == nil && n > 0 {
		f.Lines = min(n, mostLines)
	}
	return f
}

func levelNames() (names []string) {
	for _, l := range levels {
		names = append(names, l.name)
	}
	return names
}

// query is what the filter asks of the journal.
func (f filter) query() logs.Query {
	q := logs.Query{Unit: f.Unit, Text: f.Text, Lines: f.Lines}
	for _, l := range levels {
		if l.name == f.Level {
			q.Priority = l.priority
		}
	}
	return q
}

func (f filter) encode() string {
	v := url.Values{}
	for name, value := range map[string]string{"unit": f.Unit, "level": f.Level, "text": f.Text} {
		if value != "" {
			v.Set(name, value)
		}
	}
	v.Set("lines", strconv.Itoa(f.Lines))
	return v.Encode()
}

func readLog(ctx context.Context, f filter) *eventLog {
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	l := &eventLog{Filter: f, Units: logs.Units(), Levels: levelNames(), Query: f.encode()}
	err := logs.Read(ctx, f.query(), func(e logs.Entry) error {
		l.Lines.Value = append(l.Lines.Value, lineOf(e))
		return nil
	})
	if err != nil {
		l.Lines.Fault = asFault(err)
	}
	return l
}

var errEnough = errors.New("enough")

// downloadLog sends the entries as a text file, the newest of them when there
// are too many.
func (s *Server) downloadLog(w http.ResponseWriter, r *http.Request, who *session) {
	if !s.method(w, r, http.MethodGet) {
		return
	}
	who.touch(time.Now())
	ctx, cancel := context.WithTimeout(r.Context(), downloadTime)
	defer cancel()
	q := filterOf(r.URL.Query()).query()
	q.Lines = downloadLines
	var b bytes.Buffer
	err := logs.Read(ctx, q, func(e logs.Entry) error {
		b.WriteString(e.Line() + "\n")
		if b.Len() > downloadBytes {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		s.fail(w, r, statusOf(err), asFault(err))
		return
	}
	name := s.cfg.Hostname() + "-" + time.Now().UTC().Format("20060102-150405") + ".log"
	send(w, &download{name: name, kind: "text/plain; charset=utf-8", content: b.Bytes()})
}

// recent are the last errors of the journal, asked for once for everybody who
// looks at the status page.
type recent struct {
	mu     sync.Mutex
	at     time.Time      // guarded by mu
	errors answer[[]line] // guarded by mu
}

const (
	recentFor   = 10 * time.Second // an answer is good for
	recentLines = 10
	recentSince = 24 * time.Hour
)

// look returns the last errors, newest first.
func (c *recent) look(ctx context.Context) ([]line, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) >= recentFor {
		c.errors = readErrors(context.WithoutCancel(ctx)) // others wait for it too
		c.at = time.Now()
	}
	if c.errors.Fault != nil {
		return nil, c.errors.Fault
	}
	return c.errors.Value, nil
}

func readErrors(ctx context.Context) (a answer[[]line]) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	q := logs.Query{Priority: 3, Lines: recentLines, Since: time.Now().Add(-recentSince)}
	err := logs.Read(ctx, q, func(e logs.Entry) error {
		a.Value = append(a.Value, lineOf(e))
		return nil
	})
	slices.Reverse(a.Value)
	// An empty journal has no errors, which is as it should be.
	if err != nil && !(fault.CodeOf(err) == fault.NotFound) {
		a.Fault = asFault(err)
	}
	return a
}
