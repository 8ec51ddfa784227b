package flow

import (
	"context"
	"crypto/sha1" // XEP-0114 §3 names it
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Component signs in as a component (XEP-0114) over direct TLS. jid is the
// component's domain, "cb1.meet.example".
func Component(ctx context.Context, dial Dialer, addr string, conf *tls.Config, jid, secret string) (*Peer, error) {
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", addr, err)
	}
	p := newPeer(conn)
	_ = conn.SetDeadline(time.Now().Add(negotiateLimit))
	if err := p.component(ctx, conf, jid, secret); err != nil {
		_ = p.conn.Close()
		return nil, fmt.Errorf("signing in as component %s at %s: %w", jid, addr, err)
	}
	p.JID = jid
	p.listen()
	return p, nil
}

func (p *Peer) component(ctx context.Context, conf *tls.Config, jid, secret string) error {
	if err := p.secure(ctx, conf); err != nil {
		return err
	}
	if err := p.Send([]byte("<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='" + jid + "'>")); err != nil {
		return err
	}
	head, err := p.header()
	if err != nil {
		return err
	}
	sum := sha1.Sum([]byte(string(attr(head, "id")) + secret))
	if err := p.Send([]byte("<handshake>" + hex.EncodeToString(sum[:]) + "</handshake>")); err != nil {
		return err
	}
	answer, err := p.next()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(answer), "<handshake") {
		return fmt.Errorf("the server answered the handshake with %s", answer)
	}
	return nil
}
