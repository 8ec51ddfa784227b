package flow

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

const nsManagement = " xmlns='urn:xmpp:sm:3'"

// askEvery is after how many stanzas a Roamer asks what is handled.
const askEvery = 16

// Roamer is a client that outlives the nodes: when its stream is lost it resumes
// its session at the next address (XEP-0198), and sends again what was not
// handled. It drops nothing and repeats nothing by itself.
type Roamer struct {
	JID string

	dial    Dialer
	conf    *tls.Config
	account Account
	stop    context.CancelFunc
	done    chan struct{} // closed when it roams no more
	err     error         // why; set before done is closed

	mu      sync.Mutex // guards what follows
	addrs   []string   // the next one first
	peer    *Peer      // its stream; nil while there is none
	at      string     // its address
	token   string
	had     uint32   // stanzas received
	sent    uint32   // stanzas sent
	handled uint32   // … that the server has
	unacked [][]byte // the others
	moves   int
}

// Roam signs an account in at the first of some addresses, with a session that can
// be resumed.
func Roam(ctx context.Context, dial Dialer, conf *tls.Config, a Account, addrs ...string) (*Roamer, error) {
	ctx, stop := context.WithCancel(ctx)
	r := &Roamer{dial: dial, conf: conf, account: a, addrs: addrs, stop: stop, done: make(chan struct{})}
	p, at, err := r.connect(ctx)
	if err == nil {
		err = r.begin(p, at)
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("signing in as %s@%s: %w", a.Local, a.Domain, err)
	}
	go r.roam(ctx)
	return r, nil
}

// connect signs in at the next address.
func (r *Roamer) connect(ctx context.Context) (*Peer, string, error) {
	r.mu.Lock()
	at := r.addrs[0]
	r.addrs = append(r.addrs[1:len(r.addrs):len(r.addrs)], at)
	r.mu.Unlock()
	conn, err := r.dial(ctx, "tcp", at)
	if err != nil {
		return nil, at, fmt.Errorf("connecting to %s: %w", at, err)
	}
	p := newPeer(conn)
	_ = conn.SetDeadline(time.Now().Add(negotiateLimit))
	if err := p.signIn(ctx, r.conf, r.account); err != nil {
		_ = p.conn.Close()
		return nil, at, err
	}
	return p, at, nil
}

// begin binds the session and makes it resumable.
func (r *Roamer) begin(p *Peer, at string) error {
	if err := p.bind(r.account.Resource); err != nil {
		return err
	}
	if err := p.Send([]byte("<enable" + nsManagement + " resume='true'/>")); err != nil {
		return err
	}
	answer, err := p.next()
	if err != nil {
		return err
	}
	if r.token = string(attr(answer, "id")); !bytes.HasPrefix(answer, []byte("<enabled")) || r.token == "" {
		return fmt.Errorf("the server answered %s", answer)
	}
	r.JID = p.JID
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flow(p, at)
	return nil
}

// flow lets stanzas flow on a stream. The caller holds the lock.
func (r *Roamer) flow(p *Peer, at string) {
	p.Handle(func(elem []byte) { r.hear(p, elem) })
	r.peer, r.at = p, at
	p.listen()
}

// hear takes an element. A stream that was replaced has nothing more to say.
func (r *Roamer) hear(p *Peer, elem []byte) {
	switch {
	case bytes.HasPrefix(elem, []byte("<r ")):
		r.mu.Lock()
		h := r.had
		r.mu.Unlock()
		_ = p.Send(fmt.Appendf(nil, "<a%s h='%d'/>", nsManagement, h)) // a stream that is lost is resumed
	case bytes.HasPrefix(elem, []byte("<a ")):
		r.mu.Lock()
		defer r.mu.Unlock()
		r.acked(attr(elem, "h"))
	default:
		r.mu.Lock()
		r.had++
		r.mu.Unlock()
		if r.account.Heard != nil {
			r.account.Heard(elem)
		}
	}
}

// acked forgets what the server has. The caller holds the lock.
func (r *Roamer) acked(h []byte) {
	n, err := strconv.ParseUint(string(h), 10, 32)
	fresh := uint32(n) - r.handled
	if err != nil || fresh > uint32(len(r.unacked)) {
		r.err = fmt.Errorf("the server says it has %s of %d stanzas, after %d", h, r.sent, r.handled)
		r.stop()
		return
	}
	r.unacked, r.handled = r.unacked[fresh:], uint32(n)
}

// Send sends a stanza, now or when it has resumed.
func (r *Roamer) Send(raw []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent++
	r.unacked = append(r.unacked, raw)
	if r.peer == nil {
		return
	}
	if r.sent%askEvery == 0 {
		raw = append(raw[:len(raw):len(raw)], "<r"+nsManagement+"/>"...)
	}
	_ = r.peer.Send(raw)
}

// roam resumes the session whenever its stream is lost.
func (r *Roamer) roam(ctx context.Context) {
	defer close(r.done)
	for {
		r.mu.Lock()
		p := r.peer
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-p.Done():
		}
		r.mu.Lock()
		r.peer = nil
		r.mu.Unlock()
		for ctx.Err() == nil {
			if err := r.resume(ctx); err == nil {
				break
			} else if strings.Contains(err.Error(), "<failed") {
				r.err = err
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond): // as often as a client would try
			}
		}
	}
}

func (r *Roamer) resume(ctx context.Context) error {
	p, at, err := r.connect(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := p.Send(fmt.Appendf(nil, "<resume%s previd='%s' h='%d'/>", nsManagement, r.token, r.had)); err != nil {
		return err
	}
	answer, err := p.next()
	if err == nil && !bytes.HasPrefix(answer, []byte("<resumed")) {
		err = fmt.Errorf("the server answered %s", answer)
	}
	if err != nil {
		_ = p.conn.Close()
		return err
	}
	r.acked(attr(answer, "h"))
	r.moves++
	p.JID = r.JID
	r.flow(p, at)
	for _, raw := range r.unacked {
		if p.Send(raw) != nil {
			break
		}
	}
	_ = p.Send([]byte("<r" + nsManagement + "/>"))
	return nil
}

// At returns the address it is signed in at, "" while it is nowhere, and how often
// it has resumed.
func (r *Roamer) At() (addr string, moves int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.peer == nil {
		return "", r.moves
	}
	return r.at, r.moves
}

// Unacked is how many stanzas the server has not said it has.
func (r *Roamer) Unacked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.peer != nil && len(r.unacked) > 0 {
		_ = r.peer.Send([]byte("<r" + nsManagement + "/>"))
	}
	return len(r.unacked)
}

// Err returns why it roams no more, nil while it does.
func (r *Roamer) Err() error {
	select {
	case <-r.done:
		return r.err
	default:
		return nil
	}
}

// Close ends the session in order, and waits for it.
func (r *Roamer) Close() {
	r.stop()
	<-r.done
	r.mu.Lock()
	p, h := r.peer, r.had
	r.mu.Unlock()
	if p != nil {
		_ = p.Send(fmt.Appendf(nil, "<a%s h='%d'/>", nsManagement, h)) // XEP-0198 §4
		p.Close()
	}
}
