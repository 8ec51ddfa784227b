package flow

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/xdg-go/scram"
)

// Account is who a client signs in as.
type Account struct{ Local, Domain, Password, Resource string }

// Client signs in over STARTTLS with SCRAM-SHA-256-PLUS bound to the TLS
// exporter (RFC 9266), binds the resource and sends initial presence.
func Client(ctx context.Context, dial Dialer, addr string, conf *tls.Config, a Account) (*Peer, error) {
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", addr, err)
	}
	p := newPeer(conn)
	_ = conn.SetDeadline(time.Now().Add(negotiateLimit))
	if err := p.client(ctx, conf, a); err != nil {
		_ = p.conn.Close()
		return nil, fmt.Errorf("signing in as %s@%s at %s: %w", a.Local, a.Domain, addr, err)
	}
	p.listen()
	return p, p.Send([]byte("<presence/>"))
}

func (p *Peer) client(ctx context.Context, conf *tls.Config, a Account) error {
	if _, err := p.open(a.Domain); err != nil {
		return err
	}
	if err := p.ask("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<proceed"); err != nil {
		return err
	}
	if err := p.secure(ctx, conf); err != nil {
		return err
	}
	features, err := p.open(a.Domain)
	if err != nil {
		return err
	}
	if !strings.Contains(features, ">SCRAM-SHA-256-PLUS<") {
		return fmt.Errorf("the server does not offer SCRAM-SHA-256-PLUS: %s", features)
	}
	if err := p.scram(a); err != nil {
		return err
	}
	if _, err := p.open(a.Domain); err != nil {
		return err
	}
	return p.bind(a.Resource)
}

// open sends a stream header and returns the features.
func (p *Peer) open(domain string) (string, error) {
	if err := p.Send([]byte("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='" + domain + "'>")); err != nil {
		return "", err
	}
	if _, err := p.header(); err != nil {
		return "", err
	}
	features, err := p.next()
	return string(features), err
}

// ask sends raw and expects an element that begins with want.
func (p *Peer) ask(raw, want string) error {
	if err := p.Send([]byte(raw)); err != nil {
		return err
	}
	answer, err := p.next()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(answer), want) {
		return fmt.Errorf("the server answered %s", answer)
	}
	return nil
}

func (p *Peer) scram(a Account) error {
	client, err := scram.SHA256.NewClient(a.Local, a.Password, "")
	if err != nil {
		return fmt.Errorf("preparing SCRAM: %w", err)
	}
	state := p.conn.(*tls.Conn).ConnectionState()
	binding, err := scram.NewTLSExporterBinding(&state)
	if err != nil {
		return fmt.Errorf("taking the channel binding: %w", err)
	}
	conv := client.NewConversationWithChannelBinding(binding)
	first, err := conv.Step("")
	if err != nil {
		return fmt.Errorf("starting SCRAM: %w", err)
	}
	const ns = " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
	send := "<auth" + ns + " mechanism='SCRAM-SHA-256-PLUS'>" + base64.StdEncoding.EncodeToString([]byte(first)) + "</auth>"
	for {
		if err := p.Send([]byte(send)); err != nil {
			return err
		}
		answer, err := p.next()
		if err != nil {
			return err
		}
		name := "challenge"
		if strings.HasPrefix(string(answer), "<success") {
			name = "success"
		}
		data, err := base64.StdEncoding.DecodeString(string(text(answer, name)))
		if err != nil || len(data) == 0 {
			return fmt.Errorf("the server answered %s", answer)
		}
		reply, err := conv.Step(string(data))
		if err != nil {
			return fmt.Errorf("checking the server's SCRAM message: %w", err)
		}
		if name == "success" {
			return nil
		}
		send = "<response" + ns + ">" + base64.StdEncoding.EncodeToString([]byte(reply)) + "</response>"
	}
}

func (p *Peer) bind(resource string) error {
	if err := p.Send([]byte("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" + resource + "</resource></bind></iq>")); err != nil {
		return err
	}
	answer, err := p.next()
	if err != nil {
		return err
	}
	if p.JID = string(text(answer, "jid")); p.JID == "" {
		return fmt.Errorf("the server answered the bind with %s", answer)
	}
	return nil
}
