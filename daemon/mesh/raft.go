package mesh

import (
	"context"
	"net"
	"time"

	"quorate.org/daemon/fault"
)

// Streams lends connections to consensus; it is what that package calls a
// Transport. Closing it leaves the mesh open.
type Streams struct {
	mesh *Mesh
	ctx  context.Context
	stop context.CancelFunc
}

// Streams returns a new lender. One at a time may accept.
func (m *Mesh) Streams() *Streams {
	ctx, stop := context.WithCancel(context.Background())
	return &Streams{m, ctx, stop}
}

// Accept returns the next connection a peer opened for raft.
func (s *Streams) Accept() (net.Conn, error) {
	select {
	case c := <-s.mesh.raft:
		return c, nil
	case <-s.ctx.Done():
		return nil, net.ErrClosed
	case <-s.mesh.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Dial connects to the member of an ID.
func (s *Streams) Dial(id string, timeout time.Duration) (net.Conn, error) {
	p, ok := s.mesh.membership().Peers[id]
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no member "+id)
	}
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	c, _, err := s.mesh.connect(ctx, p.address(), protoRaft, id)
	if err != nil {
		return nil, err
	}
	return s.mesh.borrowed(c)
}

// Await returns when a member may be called: at once, unless its link has been
// down for awayAfter or its process is gone; then when the link is back.
func (s *Streams) Await(ctx context.Context, id string) {
	for s.mesh.away(id) {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// awayAfter is how long a link may be down before its peer counts as away: a
// reset link is back sooner.
const awayAfter = 500 * time.Millisecond

func (m *Mesh) away(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	since, down := m.down[id]
	return down && !m.linked(id) && time.Since(since) > awayAfter
}

type nowhere struct{}

func (nowhere) Network() string { return "tcp" }
func (nowhere) String() string  { return "closed" }

// Addr returns the address of the mesh port, for log lines.
func (s *Streams) Addr() net.Addr {
	s.mesh.mu.Lock()
	defer s.mesh.mu.Unlock()
	if s.mesh.listener == nil {
		return nowhere{}
	}
	return s.mesh.listener.Addr()
}

// Close makes Accept and Dial fail.
func (s *Streams) Close() error {
	s.stop()
	return nil
}
