package forward

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/im"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/router"
	"quorate.org/daemon/xmlwire"
)

// fabric is three nodes in one process. Its links carry the bytes the mesh
// would. It lives in a synctest bubble: time passes only when all are idle.
type fabric struct {
	t     *testing.T
	names []string
	nodes map[string]*Node
	term  uint64

	mu    sync.Mutex
	wires map[[2]string]chan []byte // by sender and receiver; absent while the link is down
	mute  map[[2]string]bool        // wires on which everything is lost unnoticed
	reset map[string]error          // links that were reset, by who did it and to whom

	store  *ledger
	limits im.Limits // of an account
	wish   edge.Wish // of the streams that bind from here on
}

// wire is one node's end of its links.
type wire struct {
	f    *fabric
	self string
}

func (w wire) Send(id string, add func([]byte) []byte) bool {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	c := w.f.wires[[2]string{w.self, id}]
	if c != nil && !w.f.mute[[2]string{w.self, id}] {
		c <- add(nil)
	}
	return c != nil
}

func (w wire) Flush(bool) {}

func (w wire) Reset(id string, why error) {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	w.f.reset[w.self+">"+id] = why
}

// bubble runs a test with three linked nodes a, b and c that know no leader.
func bubble(t *testing.T, limits router.Limits, body func(t *testing.T, f *fabric)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fabric{t: t, names: []string{"a", "b", "c"}, nodes: map[string]*Node{},
			wires: map[[2]string]chan []byte{}, mute: map[[2]string]bool{}, reset: map[string]error{}, store: newLedger()}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for i, id := range f.names {
			n := New(Config{ID: id, Inc: router.Inc{byte(i + 1)}, Limits: limits, Links: wire{f, id}, Facts: office{}, Version: "1.2<3", Account: func() im.Limits { return f.limits }, Store: f.store,
				Logger: slog.New(slog.DiscardHandler)})
			f.nodes[id] = n
			running.Go(func() { n.Run(ctx) })
		}
		for _, p := range [][2]string{{"a", "b"}, {"a", "c"}, {"b", "c"}} {
			f.join(p[0], p[1])
		}
		defer func() {
			for _, p := range [][2]string{{"a", "b"}, {"a", "c"}, {"b", "c"}} {
				f.cut(p[0], p[1], false)
			}
			stop()
			running.Wait()
		}()
		body(t, f)
	})
}

// join makes the link between two nodes.
func (f *fabric) join(x, y string) {
	for _, p := range [][2]string{{x, y}, {y, x}} {
		c := make(chan []byte, 1<<14)
		f.mu.Lock()
		f.wires[p] = c
		f.mu.Unlock()
		to := f.nodes[p[1]]
		go func() {
			for b := range c {
				to.Receive(p[0], [][]byte{b})
			}
		}()
	}
	f.nodes[x].LinkUp(y)
	f.nodes[y].LinkUp(x)
}

// cut breaks the link between two nodes, with all that is on it; dead tells x
// that y's process is gone.
func (f *fabric) cut(x, y string, dead bool) {
	f.mu.Lock()
	for _, p := range [][2]string{{x, y}, {y, x}} {
		c := f.wires[p]
		if c == nil {
			continue
		}
		delete(f.wires, p)
		for len(c) > 0 {
			<-c
		}
		close(c)
	}
	f.mu.Unlock()
	f.nodes[x].LinkDown(y, dead)
	f.nodes[y].LinkDown(x, false)
}

// lead makes a node the leader of the next term, and returns when it serves.
func (f *fabric) lead(id string) {
	f.t.Helper()
	for _, n := range f.nodes {
		n.Abdicate()
	}
	f.term++
	var members []router.Member
	for _, name := range f.names {
		members = append(members, router.Member{Node: router.NodeID(name), Voter: true})
	}
	f.nodes[id].Reign(f.term, members, func(to string) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.wires[[2]string{id, to}] != nil
	})
	synctest.Wait()
}

// bind opens a stream at a node: a client's full JID or a call bridge's domain.
func (f *fabric) bind(node, addr string) (edge.Session, *stream) {
	f.t.Helper()
	out := &stream{}
	s, err := f.nodes[node].Bind(f.t.Context(), kindOf(addr), jid.MustParse(addr), f.wish, out)
	if err != nil {
		f.t.Fatalf("binding %s at %s: %v", addr, node, err)
	}
	return s, out
}

func kindOf(addr string) edge.Kind {
	if strings.ContainsRune(addr, '/') {
		return edge.Client
	}
	return edge.Component
}

// say sends a stanza as the stream's reader does.
func (f *fabric) say(s edge.Session, raw string) {
	f.t.Helper()
	if err := send(f.t.Context(), s, raw); err != nil {
		f.t.Fatalf("sending %s: %v", raw, err)
	}
}

func send(ctx context.Context, s edge.Session, raw string) error {
	scanner := xmlwire.NewScanner(xmlwire.Limits{})
	if _, _, err := scanner.Next(alone); err != nil {
		return err
	}
	ev, _, err := scanner.Next([]byte(raw))
	if err != nil || ev.Kind != xmlwire.Stanza {
		return fmt.Errorf("%s is no stanza: %w", raw, err)
	}
	err = s.Send(ctx, ev.Header, ev.Raw)
	for i := range ev.Raw { // they are ours again
		ev.Raw[i] = '!'
	}
	return err
}

// stream is the outgoing side of a session.
type stream struct {
	mu      sync.Mutex
	got     []string
	written int           // of got, those that reached the socket; 0 with stuck
	stuck   bool          // nothing is written
	closed  bool          // Drain or Shut was called
	full    bool          // the outbox bound is reached
	limit   int           // bytes that may wait to be written; 0 for any
	ended   string        // the condition it was shut with
	shut    bool          // Shut was called
	gate    chan struct{} // Drain waits for it, if there is one
}

func (s *stream) Enqueue(raw []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.full || s.limit > 0 && s.waiting()+len(raw) > s.limit {
		return false
	}
	s.got = append(s.got, string(raw))
	if !s.stuck {
		s.written = len(s.got)
	}
	return true
}

func (s *stream) Room(n, eighths int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	has := s.waiting()
	return s.limit == 0 || has+n <= s.limit/8*eighths || has == 0
}

// waiting is how many bytes are not written.
func (s *stream) waiting() (n int) {
	for _, raw := range s.got[s.written:] {
		n += len(raw)
	}
	return n
}

func (s *stream) Drain() [][]byte {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var left [][]byte
	for _, raw := range s.got[s.written:] {
		left = append(left, []byte(raw))
	}
	s.got = s.got[:s.written]
	return left
}

func (s *stream) Shut(condition, _ string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut, s.ended = true, condition
}

// take returns what came since the last take, once all is idle.
func (s *stream) take() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got, s.written = nil, 0
	return got
}

func (s *stream) end() (condition string, shut bool) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended, s.shut
}

// office is the configuration of these tests.
type office struct{}

func (office) Domain() string              { return "meet.example" }
func (office) Serves(d string) bool        { return d == "meet.example" || d == "second.example" }
func (office) CallBridge(name string) bool { return name == "cb1" || name == "cb2" }
func (office) CallBridges() []string       { return []string{"cb1", "cb2"} }
