package forward

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/im"
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

	bound   bool   // guarded by node.mu
	managed bool   // and resumable; guarded by node.mu
	ended   bool   // guarded by node.mu
	sent    uint64 // guarded by node.mu

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

func (k sink) Enqueue(raw []byte) bool  { return k.s.out.Enqueue(raw) }
func (k sink) Room(n, eighths int) bool { return k.s.out.Room(n, eighths) }
func (k sink) Shut(condition string) {
	k.s.ended = true
	k.s.node.wakeAll()
	k.s.out.Shut(condition, "")
}

func (k sink) Ack(h uint32) { k.s.out.Enqueue(stanza.AppendAck(nil, h)) }
func (k sink) Ask()         { k.s.out.Enqueue(stanza.AppendAsk(nil)) }

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
		left := slices.DeleteFunc(s.out.Drain(), stanza.IsManagement)
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
func (n *Node) Bind(ctx context.Context, k edge.Kind, want jid.JID, w edge.Wish, out edge.Sink) (edge.Session, error) {
	kind := router.Client
	if k == edge.Component {
		kind = router.Component
	}
	s := n.newSession(kind, want, out)
	var m edge.Management
	if w.Managed != nil {
		m = *w.Managed
	}
	ctx, cancel := context.WithTimeout(ctx, n.wait)
	defer cancel()
	granted := make(chan bool, 1)
	n.mu.Lock()
	s.sid = n.edge.BindResumable(s.kind, s.addr, w.Carbons, resumable(m), sink{s}, func(ok bool) {
		s.bound = ok
		if ok && m.Enabled != nil && m.Token == "" {
			n.edge.Count(s.sid, m.Queue)
		}
		s.managed = ok && m.Token != ""
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
			return nil, &edge.Refusal{Condition: stanza.ResourceConstraint, Text: "the account has as many sessions as it may"} // RFC 6120 §7.6.2.1
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
		was := s.ended
		s.ended = true
		n.wakeAll()
		if !was { // else the machine ended the stream, and knows what follows
			n.edge.Unbind(s.sid)
		}
		n.forget(s)
		n.settle()
	})
}

// Send takes one stanza from the stream.
func (s *session) Send(ctx context.Context, h *xmlwire.Header, raw []byte) error {
	if c := stanza.Check(h); c != "" {
		return s.refuse(ctx, h, raw, c)
	}
	c, ok := router.ClassOf(h.Name, h.Type.Value)
	if !ok {
		return s.refuse(ctx, h, raw, stanza.BadRequest)
	}
	f, err := s.frame(c, h, raw)
	if err != nil {
		return s.refuse(ctx, h, raw, stanza.JIDMalformed)
	}
	return s.submit(ctx, f)
}

// frame copies the stanza with its normalised recipient, in one allocation.
func (s *session) frame(c router.Class, h *xmlwire.Header, raw []byte) (*router.Frame, error) {
	f := &router.Frame{Class: c, Lane: s.sid, Time: wall()}
	buf := make([]byte, 0, len(raw)+len(h.To.Value)+len(s.bare))
	buf = append(buf, raw...)
	f.Raw = buf[:len(raw):len(raw)]
	switch {
	case string(h.ChildSpace) == im.NSRoster:
		f.Mark |= router.MarkRoster
	case im.Service(h.ChildSpace):
		f.Mark |= router.MarkService
	}
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

// account is whose share of the window counts for this stream.
func (s *session) account() string {
	if s.kind != router.Client {
		return ""
	}
	return s.bare
}

// submit waits for room in the window and hands the frame over.
func (s *session) submit(ctx context.Context, f *router.Frame) error {
	n := s.node
	account := s.account()
	n.mu.Lock()
	if !n.edge.Source.RoomOf(account, f.Size()) {
		n.countFull(account)
	}
	for !n.edge.Source.RoomOf(account, f.Size()) && !s.ended {
		room := n.roomFor(account, f.Size())
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
	n.edge.Submit(f)
	n.settle()
	return nil
}

// refuse answers a stanza that can not be routed, at the edge. To a resumable
// session everything comes by the leader, which has a copy of what it is given
// (cluster-protocol rule 11), so there the answer is the frame.
func (s *session) refuse(ctx context.Context, h *xmlwire.Header, raw []byte, c stanza.Condition) error {
	b := stanza.AppendError(nil, raw, h, s.serverOf(), s.addr, c.Type(), c, "")
	if class, ok := classOf(b); ok && s.isManaged() {
		return s.submit(ctx, &router.Frame{Class: class, To: []byte(s.addr), Lane: s.sid, Time: wall(), Raw: b})
	}
	n := s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	s.sent++
	n.edge.Answer(s.sid, s.sent, b)
	return nil
}

func (s *session) isManaged() bool {
	s.node.mu.Lock()
	defer s.node.mu.Unlock()
	return s.managed
}

// serverOf is the address errors of this edge come from.
func (s *session) serverOf() string {
	d := strings.TrimPrefix(s.bare[strings.IndexByte(s.bare, '@')+1:], "@")
	if main := s.node.facts.Domain(); main != "" && !s.node.facts.Serves(d) {
		return main
	}
	return d
}

// bounce answers a frame that found no leader in time (rule 13). A frame that
// came back from a closed session has its sender elsewhere: its error is a
// frame of its own.
func (n *Node) bounce(f *router.Frame) {
	n.counts.bounced++
	if !f.Class.Answerable() {
		return
	}
	raw, to := errorFor(n.facts, f, stanza.RemoteServerTimeout, "no leader answered in time")
	if raw == nil {
		return
	}
	if s := n.sessions[f.Lane]; s != nil && !s.managed {
		n.edge.Answer(s.sid, 0, raw)
		return
	}
	if c, ok := classOf(raw); ok {
		n.edge.Submit(&router.Frame{Class: c, To: to, Raw: raw, Time: wall()})
	}
}
