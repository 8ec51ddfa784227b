package consensus

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

const (
	connPool   = 3           // idle connections kept to each node
	minRPCWait = time.Second // a slow disk answers an AppendEntries late; it is not broken
)

// transport is raft's network transport over the connections of a Transport. It
// embeds *raft.NetworkTransport and not the interface, because raft asks by type
// whether pre-vote is possible. It adds two things: requests of this node to
// itself (Stand), and a note of when and how far each follower answered.
type transport struct {
	*raft.NetworkTransport
	streams  *streams
	id       raft.ServerID
	progress *progress

	rpcs    chan raft.RPC // what raft consumes: the network's requests and our own
	done    chan struct{} // closed when the transport closes
	closing sync.Once
	copying sync.WaitGroup

	waits   context.Context // ends the waiting for peers that are away
	unblock context.CancelFunc
}

var _ raft.WithPreVote = (*transport)(nil)

func newTransport(cfg Config, t Transport) *transport {
	s := &streams{Transport: t, open: map[*stream]bool{}}
	tr := &transport{
		NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream:  s,
			MaxPool: connPool,
			Timeout: max(minRPCWait, 4*cfg.Election),
			Logger:  newLogger(cfg.Logger),
		}),
		streams:  s,
		id:       raft.ServerID(cfg.ID),
		progress: newProgress(),
		rpcs:     make(chan raft.RPC),
		done:     make(chan struct{}),
	}
	tr.waits, tr.unblock = context.WithCancel(context.Background())
	tr.copying.Go(tr.forward)
	return tr
}

// LocalAddr is the node ID: addresses are the mesh's business.
func (t *transport) LocalAddr() raft.ServerAddress { return raft.ServerAddress(t.id) }

// Consumer returns the requests raft has to answer.
func (t *transport) Consumer() <-chan raft.RPC { return t.rpcs }

func (t *transport) forward() {
	for {
		select {
		case rpc := <-t.NetworkTransport.Consumer():
			select {
			case t.rpcs <- rpc:
			case <-t.done:
				return
			}
		case <-t.done:
			return
		}
	}
}

var errBusy = errors.New("raft did not take the request in time")

// inject hands raft a request as if it had come from the network, and waits for
// the answer.
func (t *transport) inject(command any, wait time.Duration) error {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	answer := make(chan raft.RPCResponse, 1)
	select {
	case t.rpcs <- raft.RPC{Command: command, RespChan: answer}:
	case <-timeout.C:
		return errBusy
	case <-t.done:
		return ErrClosed
	}
	select {
	case a := <-answer:
		return a.Error
	case <-t.done:
		return ErrClosed
	}
}

// awayWait is how long a request to a follower that is away is held.
const awayWait = time.Minute

// AppendEntries notes the answer. Heartbeats come this way too, so the note is
// never older than a fraction of the heartbeat timeout. A request to a peer that
// is away is held until it is back: raft backs off for up to 10 s after failed
// ones, and a node that returns would wait as long for its log.
func (t *transport) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	ctx, cancel := context.WithTimeout(t.waits, awayWait)
	defer cancel()
	t.streams.Await(ctx, string(id))
	err := t.NetworkTransport.AppendEntries(id, target, args, resp)
	if err == nil && resp.Term <= args.Term {
		t.progress.note(string(id), args.Term, resp.LastLog)
	}
	return err
}

// Close stops accepting and breaks every connection.
func (t *transport) Close() error {
	t.unblock()
	err := t.NetworkTransport.Close()
	t.closing.Do(func() { close(t.done) })
	return err
}

// wait returns when every goroutine that serves a connection has ended.
func (t *transport) wait() {
	t.copying.Wait()
	t.streams.serving.Wait()
}

// streams is the raft.StreamLayer over a Transport. raft's transport forgets the
// connections it serves when it closes; streams remembers them.
type streams struct {
	Transport
	mu      sync.Mutex // guards the two below
	open    map[*stream]bool
	closed  bool
	serving sync.WaitGroup // accepted connections whose goroutine has not closed them
}

// stream is one connection.
type stream struct {
	net.Conn
	owner *streams
	once  sync.Once
	ended func()
}

// Accept implements net.Listener.
func (s *streams) Accept() (net.Conn, error) {
	conn, err := s.Transport.Accept()
	if err != nil {
		return nil, err
	}
	return s.track(conn, true)
}

// Dial implements raft.StreamLayer: the address is a node ID.
func (s *streams) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	conn, err := s.Transport.Dial(string(address), timeout)
	if err != nil {
		return nil, err
	}
	return s.track(conn, false)
}

func (s *streams) track(conn net.Conn, accepted bool) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return nil, net.ErrClosed
	}
	c := &stream{Conn: conn, owner: s, ended: func() {}}
	if accepted {
		s.serving.Add(1)
		c.ended = s.serving.Done
	}
	s.open[c] = true
	return c, nil
}

// Close breaks the connections under the goroutines that serve them.
func (s *streams) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.open {
		c.Conn.Close()
	}
	return s.Transport.Close()
}

// Close is called by the goroutine that served the connection.
func (c *stream) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.owner.mu.Lock()
		delete(c.owner.open, c)
		c.owner.mu.Unlock()
		c.ended()
	})
	return err
}
