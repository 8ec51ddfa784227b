package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/logs"
)

// Live parts of pages are server-sent events (WHATWG HTML §9.2). The data of
// each is HTML drawn by the page's template "live": /status/live replaces what
// is shown, /logs/live adds to it. The event "end" says that the sign-in is
// over, and the page is to be loaded again.
const (
	liveEvery  = 2 * time.Second        // the clock and the times in words move on
	firstAfter = 300 * time.Millisecond // leaves a browser the processor while it loads the page
	beatEvery  = 15 * time.Second       // something is sent at the latest, so that a browser that has gone is noticed
	sendTime   = 40 * time.Second       // a browser may take to read, longer than beatEvery

	maxStreamsOpen      = 48
	maxStreamsOfSession = 4
)

// streams counts the live pages that are open.
type streams struct {
	mu    sync.Mutex
	ctx   context.Context  // guarded by mu: ends with the server
	open  map[*session]int // guarded by mu
	total int              // guarded by mu
}

func newStreams() *streams { return &streams{ctx: context.Background(), open: map[*session]int{}} }

// begin binds all streams to come to ctx.
func (t *streams) begin(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ctx = ctx
}

// enter counts a stream and returns its context; ok is false when there are too
// many. leave ends it.
func (t *streams) enter(ctx context.Context, who *session) (_ context.Context, leave func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total >= maxStreamsOpen || t.open[who] >= maxStreamsOfSession {
		return nil, nil, false
	}
	t.total++
	t.open[who]++
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(t.ctx, cancel)
	return ctx, func() { stop(); cancel(); t.left(who) }, true
}

func (t *streams) left(who *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total--
	if t.open[who]--; t.open[who] == 0 {
		delete(t.open, who)
	}
}

// stream is one live page. It is not what a person does: the session's idle
// time goes on.
type stream struct {
	server *Server
	who    *session
	r      *http.Request
	out    http.ResponseWriter
	ctl    *http.ResponseController
}

// live runs feed on a new stream until it returns.
func (s *Server) live(w http.ResponseWriter, r *http.Request, who *session, feed func(context.Context, *stream)) {
	if !s.method(w, r, http.MethodGet) {
		return
	}
	ctx, leave, ok := s.streams.enter(r.Context(), who)
	if !ok {
		s.fail(w, r, http.StatusServiceUnavailable, fault.Mend(fault.Unavailable, "too many live pages are open", "close some, or load the page again by hand"))
		return
	}
	defer leave()
	t := &stream{s, who, r, w, http.NewResponseController(w)}
	w.Header().Set("Content-Type", "text/event-stream")
	// The limit of reading a request is not one of listening.
	if t.ctl.SetReadDeadline(time.Time{}) != nil || t.send("", nil) != nil {
		return
	}
	feed(ctx, t)
}

// listening tells the page of a sign-in that is over, be it that the node has
// started anew, that it is: a page that listens can not be sent elsewhere.
func (s *Server) listening(next func(http.ResponseWriter, *http.Request, *session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if who := s.session(r); who != nil {
			next(w, r, who)
			return
		}
		if s.method(w, r, http.MethodGet) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = w.Write([]byte(endEvent)) // a browser that has gone needs none
		}
	}
}

// endEvent says that the sign-in is over.
const endEvent = "event: end\ndata:\n\n"

// send sends an event; one without name and data is a comment.
func (t *stream) send(event string, data []byte) error {
	var b bytes.Buffer
	if event != "" {
		fmt.Fprintf(&b, "event: %s\n", event)
	}
	for l := range bytes.Lines(data) {
		fmt.Fprintf(&b, "data: %s\n", bytes.TrimRight(l, "\r\n"))
	}
	if b.Len() == 0 {
		b.WriteString(":\n")
	}
	b.WriteString("\n")
	if err := t.ctl.SetWriteDeadline(time.Now().Add(sendTime)); err != nil {
		return err
	}
	if _, err := t.out.Write(b.Bytes()); err != nil {
		return err
	}
	return t.ctl.Flush()
}

// lasts says whether the session still does, and tells the page when not.
func (t *stream) lasts() bool {
	if t.server.session(t.r) == t.who {
		return true
	}
	_ = t.send("end", []byte("\n")) // it ends either way
	return false
}

// draw draws the live part of a page.
func (t *stream) draw(p page, data any) ([]byte, error) {
	f := t.server.frame(t.who, p.path, p.title)
	f.Data = data
	return t.server.looks.draw(p.template(), "live", f)
}

// liveStatus sends the status whenever it is another: at a signal of any
// service, and as time passes.
func (s *Server) liveStatus(w http.ResponseWriter, r *http.Request, who *session) {
	s.live(w, r, who, func(ctx context.Context, t *stream) {
		v, p := &visit{session: who, request: r, own: s.conn}, s.page("/status")
		changed := who.watch(ctx)
		tick := time.NewTicker(liveEvery)
		defer tick.Stop()
		var last []byte
		sent := time.Now()
		select { // the page was drawn a moment ago
		case <-ctx.Done():
			return
		case <-changed:
		case <-time.After(firstAfter):
		}
		for t.lasts() {
			now, err := t.draw(p, s.status(ctx, v))
			if err != nil {
				s.log.Error("a live page broke: " + err.Error())
				return
			}
			if same := bytes.Equal(now, last); !same || time.Since(sent) >= beatEvery {
				data := now
				if same {
					data = nil
				}
				if t.send("", data) != nil {
					return
				}
				last, sent = now, time.Now()
			}
			select {
			case <-ctx.Done():
				return
			case <-changed:
			case <-tick.C:
			}
		}
	})
}

// page returns one of the server's pages.
func (s *Server) page(path string) page {
	for _, p := range s.pages {
		if p.path == path {
			return p
		}
	}
	return page{}
}

// watch ticks when any service has something new. A service that can not be
// watched is looked at all the same, as time passes.
func (s *session) watch(ctx context.Context) <-chan struct{} {
	ticks := make(chan struct{}, 1)
	for _, watch := range []func(context.Context) (<-chan struct{}, error){
		s.bus.Xmpp().Watch, s.bus.Bridge().Watch, s.bus.Config().Watch, s.bus.Certificates().Watch,
	} {
		if c, err := watch(ctx); err == nil {
			go pass(c, ticks) // ends with c, which ends with ctx
		}
	}
	return ticks
}

func pass(from <-chan struct{}, to chan<- struct{}) {
	for range from {
		select {
		case to <- struct{}{}:
		default: // one is waiting already
		}
	}
}

// liveLog sends the entries of a filter as they are written.
func (s *Server) liveLog(w http.ResponseWriter, r *http.Request, who *session) {
	s.live(w, r, who, func(ctx context.Context, t *stream) {
		f := filterOf(r.URL.Query())
		q := f.query()
		q.Follow, q.Lines = true, -1 // the page has those before
		entries, ended := make(chan line, 256), make(chan struct{})
		ctx, cancel := context.WithCancel(ctx)
		go func() {
			defer close(ended)
			err := logs.Read(ctx, q, func(e logs.Entry) error {
				select {
				case entries <- lineOf(e):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			if err != nil && ctx.Err() == nil {
				s.log.Warn("following the journal: " + err.Error())
			}
		}()
		defer func() { cancel(); <-ended }()
		t.follow(ctx, f, entries, ended)
	})
}

// follow sends entries, all that are there at a time in one event.
func (t *stream) follow(ctx context.Context, f filter, entries <-chan line, ended <-chan struct{}) {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	p := t.server.page("/logs")
	for t.lasts() {
		var data []byte
		select {
		case <-ctx.Done():
			return
		case <-ended:
			return
		case <-beat.C:
		case first := <-entries:
			l := &eventLog{Filter: f, Query: f.encode()}
			l.Lines.Value = more(first, entries)
			var err error
			if data, err = t.draw(p, l); err != nil {
				t.server.log.Error("a live page broke: " + err.Error())
				return
			}
		}
		if t.send("", data) != nil {
			return
		}
	}
}

// more returns first and whatever else waits.
func more(first line, entries <-chan line) []line {
	all := []line{first}
	for {
		select {
		case l := <-entries:
			all = append(all, l)
		default:
			return all
		}
	}
}
