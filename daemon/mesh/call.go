package mesh

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"quorate.org/daemon/fault"
)

const (
	maxRequest  = 16 << 20         // bytes of a request or an answer
	maxBody     = maxRequest - 256 // of what it carries
	answerIdle  = 5 * time.Second  // for the request to arrive
	answerLimit = 40 * time.Second // for it to be worked on; a join takes up to 30 s
)

type request struct {
	Method string          `json:"method"`
	Body   json.RawMessage `json:"body,omitempty"`
}

type response struct {
	Error *fault.Error    `json:"error,omitempty"`
	Body  json.RawMessage `json:"body,omitempty"`
}

// CallMember calls a method on a member. It waits for the answer as long as ctx
// lets it, at most 40 s. A refusal is the *fault.Error the member answered with.
func (m *Mesh) CallMember(ctx context.Context, id, method string, in, out any) error {
	p, ok := m.membership().Peers[id]
	if !ok {
		return fault.New(fault.NotFound, "there is no member "+id)
	}
	return m.call(ctx, p.address(), id, method, in, out)
}

// CallAddress calls a method on whoever answers at host:port, a node known only
// by its address as yet. It is verified by trust, not by name.
func (m *Mesh) CallAddress(ctx context.Context, addr, method string, in, out any) error {
	return m.call(ctx, addr, "", method, in, out)
}

func (m *Mesh) call(ctx context.Context, addr, id, method string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encoding call: %w", err)
	}
	if len(body) > maxBody {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("a request of %d bytes is too large for a peer", len(body)))
	}
	conn, _, err := m.connect(ctx, addr, protoControl, id)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.NetConn().Close() })
	defer stop()
	var r response
	if err = writeJSON(conn, request{Method: method, Body: body}); err == nil {
		err = readJSON(conn, maxRequest, &r)
	}
	var f *fault.Error
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return fault.New(fault.Timeout, "the peer did not answer in time")
	case errors.As(err, &f):
		return f
	default:
		return fault.New(fault.TCP, "the peer closed the connection")
	}
	if r.Error != nil {
		return r.Error
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(r.Body, out); err != nil {
		return fmt.Errorf("decoding answer: %w", err)
	}
	return nil
}

// answer serves one request.
func (m *Mesh) answer(conn *tls.Conn, c Caller) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(answerIdle))
	var q request
	if readJSON(conn, maxRequest, &q) != nil {
		return
	}
	conn.SetDeadline(time.Now().Add(answerLimit))
	body, err := m.cfg.Handler.Call(c, q.Method, q.Body)
	if err == nil && len(body) > maxBody {
		err = fault.New(fault.Internal, fmt.Sprintf("the answer of %d bytes is too large", len(body)))
	}
	r := response{Body: body}
	if err != nil {
		r.Body = nil
		if !errors.As(err, &r.Error) {
			r.Error = fault.New(fault.Internal, err.Error())
		}
	}
	if err := writeJSON(conn, r); err != nil {
		m.log.Debug("answering a call", "method", q.Method, "error", err)
	}
}
