package forward

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/router"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// errEnded is returned by Send once the session's stream is over.
var errEnded = errors.New("the session has ended")

// session is one bound stream of this edge.
type session struct {
	node *Node
	sid  router.SID
	kind router.Kind
	jid  jid.JID
	addr string
	bare string
	out  edge.Sink

	bound bool   // guarded by node.mu
	ended bool   // guarded by node.mu
	sent  uint64 // guarded by node.mu

	once sync.Once

	closing *closing // the last CLOSE, while the stream is drained for it; guarded by node.mu
	left    [][]byte // taken off the stream for the machine to ask for; guarded by node.mu
}

type closing struct {
	from router.NodeID
	msg  router.Msg
}

// sink lends a stream's outbox to the router.
type sink struct{ s *session }

func (k sink) Enqueue(raw []byte) bool { return k.s.out.Enqueue(raw) }
func (k sink) Shut(condition string) {
	k.s.ended = true
	k.s.node.wake()
	k.s.out.Shut(condition, "")
}

// Drain returns what drainSession took off the stream outside the lock.
func (k sink) Drain() [][]byte {
	left := k.s.left
	k.s.left = nil
	return left
}

// drainSession closes the outbox before the machine handles CLOSE. That may
// wait for a write under way, so it leaves the lock; nothing overtakes it that
// matters, since the leader sends the session nothing behind its CLOSE. A CLOSE
// that comes meanwhile, from the next epoch, takes the place of the first.
func (n *Node) drainSession(from router.NodeID, m router.Msg) {
	s := n.sessions[m.SID]
	if s == nil || !n.current(from, m.Epoch) {
		n.edge.Receive(from, m)
		return
	}
	draining := s.closing != nil
	s.closing = &closing{from, m}
	if draining {
		return
	}
	n.closing.Go(func() {
		left := s.out.Drain()
		n.mu.Lock()
		defer n.mu.Unlock()
		s.left = append(s.left, left...)
		n.closeDrained(s)
		n.settle()
	})
}

// closeDrained hands CLOSE to the machine. When a new epoch began meanwhile, its
// leader has to close the session again.
func (n *Node) closeDrained(s *session) {
	c := s.closing
	s.closing = nil
	if n.current(c.from, c.msg.Epoch) {
		n.edge.Receive(c.from, c.msg)
		delete(n.sessions, s.sid)
		return
	}
	sink{s}.Shut(c.msg.Reason)
	n.edge.Unbind(s.sid)
}

// current reports whether a message is of the epoch the edge is in.
func (n *Node) current(from router.NodeID, e router.Epoch) bool {
	leader, epoch, _ := n.edge.Leader()
	return from == leader && e == epoch
}

// Bind asks the leader for a session and waits for it at most as long as a
// stanza would wait.
func (n *Node) Bind(ctx context.Context, k edge.Kind, want jid.JID, out edge.Sink) (edge.Session, error) {
	s := &session{node: n, kind: router.Client, jid: want, addr: want.String(), bare: want.Bare().String(), out: out}
	if k == edge.Component {
		s.kind = router.Component
	}
	ctx, cancel := context.WithTimeout(ctx, n.wait)
	defer cancel()
	granted := make(chan bool, 1)
	n.mu.Lock()
	s.sid = n.edge.Bind(s.kind, s.addr, sink{s}, func(ok bool) {
		s.bound = ok
		granted <- ok
	})
	n.sessions[s.sid] = s
	n.settle()
	n.mu.Unlock()
	look := time.NewTicker(patience)
	defer look.Stop()
	for {
		select {
		case ok := <-granted:
			if ok {
				return s, nil
			}
			s.Close()
			return nil, &edge.Refusal{Condition: stanza.Conflict}
		case <-look.C:
			if !strings.HasPrefix(n.why(), noQuorum) {
				continue
			}
		case <-ctx.Done():
		}
		s.Close()
		return nil, &edge.Refusal{Condition: stanza.ResourceConstraint, Text: n.leaderless()}
	}
}

// patience is how long a sign-in waits where no leader can be elected: whoever
// knows other nodes should try them, but not for a connection that blinks.
const patience = 2 * time.Second

// noQuorum begins the reason for a lack of voters (see cluster.View).
const noQuorum = "no quorum"

// leaderless is the text of a refusal. A call bridge reads from its first two
// words that it is not to blame.
func (n *Node) leaderless() string {
	switch why := n.why(); {
	case why == "":
		return "no leader: try again later"
	case strings.HasPrefix(why, noQuorum):
		return why
	default:
		return "no leader: " + why
	}
}

// JID returns the address granted.
func (s *session) JID() jid.JID { return s.jid }

// Close says that the stream has ended.
func (s *session) Close() {
	s.once.Do(func() {
		n := s.node
		n.mu.Lock()
		defer n.mu.Unlock()
		if !s.bound {
			delete(n.sessions, s.sid)
		}
		s.ended = true
		n.wake()
		n.edge.Unbind(s.sid)
		n.settle()
	})
}

// Send takes one stanza from the stream.
func (s *session) Send(ctx context.Context, h *xmlwire.Header, raw []byte) error {
	if c := stanza.Check(h); c != "" {
		return s.refuse(h, raw, c)
	}
	c, ok := router.ClassOf(h.Name, h.Type.Value)
	if !ok {
		return s.refuse(h, raw, stanza.BadRequest)
	}
	f, err := s.frame(c, h, raw)
	if err != nil {
		return s.refuse(h, raw, stanza.JIDMalformed)
	}
	return s.submit(ctx, f)
}

// frame copies the stanza with its normalised recipient, in one allocation.
func (s *session) frame(c router.Class, h *xmlwire.Header, raw []byte) (*router.Frame, error) {
	f := &router.Frame{Class: c, Lane: s.sid, Time: s.node.now()}
	buf := make([]byte, 0, len(raw)+len(h.To.Value)+len(s.bare))
	buf = append(buf, raw...)
	f.Raw = buf[:len(raw):len(raw)]
	switch {
	case h.To.Present():
		to, err := parseAttr(h.To)
		if err != nil {
			return nil, err
		}
		f.To = to.AppendTo(buf)[len(raw):]
	case c.IsMessage():
		f.To = append(buf, s.bare...)[len(raw):] // RFC 6120 §10.3.1
	case c == router.PresenceAvailable:
		p, err := stanza.ReadPriority(raw, h)
		if err != nil {
			p = 0 // RFC 6121 §4.7.2.3 asks for an integer; anything else counts for nothing
		}
		f.Present = p
	}
	return f, nil
}

func parseAttr(a xmlwire.Attr) (jid.JID, error) {
	if a.Escaped {
		return jid.Parse(a.String())
	}
	return jid.ParseBytes(a.Value)
}

// submit waits for room in the window and hands the frame over.
func (s *session) submit(ctx context.Context, f *router.Frame) error {
	n := s.node
	n.mu.Lock()
	for !n.edge.Source.Room(f.Size()) && !s.ended {
		if n.room == nil {
			n.room = make(chan struct{})
		}
		room := n.room
		n.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
		n.mu.Lock()
	}
	defer n.mu.Unlock()
	if s.ended {
		return errEnded
	}
	s.sent++
	f.LaneSeq = s.sent
	if len(f.To) == 0 && (f.Class == router.PresenceAvailable || f.Class == router.PresenceUnavailable) {
		n.edge.Available(s.sid, f.Class == router.PresenceAvailable, f.Present)
	}
	n.edge.Submit(f)
	n.settle()
	return nil
}

// refuse answers a stanza that can not be routed, at the edge.
func (s *session) refuse(h *xmlwire.Header, raw []byte, c stanza.Condition) error {
	b := stanza.AppendError(nil, raw, h, s.serverOf(), s.addr, c.Type(), c, "")
	if len(b) > 0 {
		s.out.Enqueue(b)
	}
	return nil
}

// serverOf is the address errors of this edge come from.
func (s *session) serverOf() string {
	if d := s.node.facts.Domain(); d != "" {
		return d
	}
	return strings.TrimPrefix(s.bare[strings.IndexByte(s.bare, '@')+1:], "@")
}

// bounce answers a frame that found no leader in time (rule 13). A frame that
// came back from a closed session has its sender elsewhere: its error is a
// frame of its own.
func (n *Node) bounce(f *router.Frame) {
	if !f.Class.Answerable() {
		return
	}
	raw, to := errorFor(n.facts, f, stanza.RemoteServerTimeout, "no leader answered in time")
	if raw == nil {
		return
	}
	if s := n.sessions[f.Lane]; s != nil {
		s.out.Enqueue(raw)
		return
	}
	if c, ok := classOf(raw); ok {
		n.edge.Submit(&router.Frame{Class: c, To: to, Raw: raw, Time: n.now()})
	}
}
