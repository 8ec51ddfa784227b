package edge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/sasl"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/stream"
	"quorate.org/daemon/xmlwire"
)

// hub is a Router with the directory in this process and nothing between.
type hub struct {
	mu       sync.Mutex
	sessions map[jid.JID]*hubSession
	closed   chan *hubSession // each session closed, in order
	granting func(context.Context, jid.JID) error
	sent     func(raw []byte) error // instead of routing, if not nil
	resuming func(account jid.JID, token string, h uint32, out Sink) (Session, uint32, error)
}

func newHub() *hub {
	return &hub{sessions: map[jid.JID]*hubSession{}, closed: make(chan *hubSession, 1000)}
}

type hubSession struct {
	hub       *hub
	jid       jid.JID
	out       Sink
	wish      Wish
	once      sync.Once
	unwritten [][]byte // what Drain gave at the end
	managed   Management
	acked     uint32
	detached  bool
}

func (h *hub) Bind(ctx context.Context, _ Kind, want jid.JID, w Wish, out Sink) (Session, error) {
	if h.granting != nil {
		if err := h.granting(ctx, want); err != nil {
			return nil, err
		}
	}
	s := &hubSession{hub: h, jid: want, out: out, wish: w}
	h.mu.Lock()
	old := h.sessions[want]
	h.sessions[want] = s
	h.mu.Unlock()
	if old != nil {
		old.out.Shut("conflict", "")
	}
	return s, nil
}

// Resume finds the session of a token, as managed_test.go has it.
func (h *hub) Resume(_ context.Context, account jid.JID, token string, n uint32, out Sink) (Session, uint32, error) {
	if h.resuming == nil {
		return nil, 0, &stream.Unresumed{Condition: stanza.ItemNotFound}
	}
	return h.resuming(account, token, n, out)
}

func (s *hubSession) Detach() { s.detached = true; s.Close() }

func (s *hubSession) Manage(m Management) { s.managed = m; s.out.Enqueue(m.Enabled) }

func (s *hubSession) Acked(h uint32) (uint32, bool) { s.acked = h; return 1, h <= 1 }

func (s *hubSession) Wants() { s.out.Enqueue(stanza.AppendAck(nil, 7)) }

func (s *hubSession) JID() jid.JID { return s.jid }

func (s *hubSession) Send(_ context.Context, h *xmlwire.Header, raw []byte) error {
	if s.hub.sent != nil {
		return s.hub.sent(raw)
	}
	to, err := jid.ParseBytes(h.To.Value)
	if err != nil {
		return nil
	}
	if t := s.hub.find(to); t == nil || !t.out.Enqueue(raw) {
		s.out.Enqueue(stanza.AppendError(nil, raw, nil, "", "", "", stanza.ServiceUnavailable, ""))
	}
	return nil
}

// find returns the session of a full JID or, for any address in its domain, of a
// component.
func (h *hub) find(to jid.JID) *hubSession {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions[to]; s != nil {
		return s
	}
	return h.sessions[to.Host()]
}

func (s *hubSession) Close() {
	s.once.Do(func() {
		s.hub.mu.Lock()
		if s.hub.sessions[s.jid] == s {
			delete(s.hub.sessions, s.jid)
		}
		s.hub.mu.Unlock()
		s.unwritten = s.out.Drain()
		s.hub.closed <- s
	})
}

// directory is an Accounts for meet.example.
type directory struct {
	creds sasl.Credentials
}

var meet = sync.OnceValue(func() directory {
	creds, err := sasl.Derive("pencil", []byte("0123456789abcdef"), 4096)
	if err != nil {
		panic(err)
	}
	return directory{creds}
})

func (directory) Domain() string { return "meet.example" }

func (directory) Serves(domain string) bool { return domain == "meet.example" }

func (d directory) Credentials(account jid.JID) (sasl.Credentials, bool) {
	switch account.Local() {
	case "juliet", "romeo":
		return d.creds, true
	}
	return sasl.Credentials{}, false
}

func (directory) Decoys() []byte { return nil }

func (directory) ComponentSecret(name string) (string, bool) {
	switch name {
	case "cb1", "cb2":
		return "secret of " + name, true
	}
	return "", false
}

// records is a slog.Handler that keeps the fields of each record.
type records struct {
	slog.Handler
	mu   *sync.Mutex
	list *[]map[string]string
	with []slog.Attr
}

func newRecords() records {
	return records{slog.DiscardHandler, new(sync.Mutex), new([]map[string]string), nil}
}

func (j records) Enabled(context.Context, slog.Level) bool { return true }

func (j records) WithAttrs(a []slog.Attr) slog.Handler {
	j.with = append(j.with[:len(j.with):len(j.with)], a...)
	return j
}

func (j records) Handle(_ context.Context, r slog.Record) error {
	fields := map[string]string{"message": r.Message}
	add := func(a slog.Attr) bool { fields[a.Key] = a.Value.String(); return true }
	for _, a := range j.with {
		add(a)
	}
	r.Attrs(add)
	j.mu.Lock()
	defer j.mu.Unlock()
	*j.list = append(*j.list, fields)
	return nil
}

// having returns the records that have that field value.
func (j records) having(key, value string) []map[string]string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []map[string]string
	for _, f := range *j.list {
		if f[key] == value {
			found = append(found, f)
		}
	}
	return found
}

// logged waits until count records have that field value, and returns those that
// do: a record is written beside what the peer sees, not always before it.
func (r *rig) logged(count int, key, value string) []map[string]string {
	r.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		found := r.log.having(key, value)
		if len(found) >= count {
			return found
		}
		if time.Now().After(end) {
			r.t.Fatalf("%d records have the %s %q, want %d", len(found), key, value, count)
		}
	}
}
