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
type Account struct {
	Local, Domain, Password, Resource string

	Heard func(elem []byte) // as for Peer.Handle, from the first element on; may be nil

	// Keys signs in by SCRAM-SHA-256 without channel binding, which every server
	// has, and keeps what it derived from the password for the next sign-in, as
	// clients do. Nil binds to the TLS exporter.
	Keys *scram.Client
}

// Client signs in over STARTTLS with SCRAM-SHA-256-PLUS bound to the TLS
// exporter (RFC 9266), binds the resource and sends initial presence.
func Client(ctx context.Context, dial Dialer, addr string, conf *tls.Config, a Account) (*Peer, error) {
	return signIn(ctx, dial, addr, conf, a, negotiateLimit)
}

// signIn is Client with a time limit of the caller's choice.
func signIn(ctx context.Context, dial Dialer, addr string, conf *tls.Config, a Account, limit time.Duration) (*Peer, error) {
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", addr, err)
	}
	p := newPeer(conn)
	_ = conn.SetDeadline(time.Now().Add(limit))
	if err := p.client(ctx, conf, a); err != nil {
		_ = p.conn.Close()
		return nil, fmt.Errorf("signing in as %s@%s at %s: %w", a.Local, a.Domain, addr, err)
	}
	if a.Heard != nil {
		p.Handle(a.Heard)
	}
	p.listen()
	return p, p.Send([]byte("<presence/>"))
}

func (p *Peer) client(ctx context.Context, conf *tls.Config, a Account) error {
	if err := p.signIn(ctx, conf, a); err != nil {
		return err
	}
	return p.bind(a.Resource)
}

// signIn goes as far as the features that offer to bind a resource.
func (p *Peer) signIn(ctx context.Context, conf *tls.Config, a Account) error {
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
	if !strings.Contains(features, ">"+a.mechanism()+"<") {
		return fmt.Errorf("the server does not offer %s: %s", a.mechanism(), features)
	}
	if err := p.scram(a); err != nil {
		return err
	}
	_, err = p.open(a.Domain)
	return err
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

func (a Account) mechanism() string {
	if a.Keys != nil {
		return "SCRAM-SHA-256"
	}
	return "SCRAM-SHA-256-PLUS"
}

// conversation begins SCRAM, bound to the stream's TLS unless the account has keys.
func (p *Peer) conversation(a Account) (*scram.ClientConversation, error) {
	if a.Keys != nil {
		return a.Keys.NewConversation(), nil
	}
	client, err := scram.SHA256.NewClient(a.Local, a.Password, "")
	if err != nil {
		return nil, fmt.Errorf("preparing SCRAM: %w", err)
	}
	state := p.conn.(*tls.Conn).ConnectionState()
	binding, err := scram.NewTLSExporterBinding(&state)
	if err != nil {
		return nil, fmt.Errorf("taking the channel binding: %w", err)
	}
	return client.NewConversationWithChannelBinding(binding), nil
}

func (p *Peer) scram(a Account) error {
	conv, err := p.conversation(a)
	if err != nil {
		return err
	}
	first, err := conv.Step("")
	if err != nil {
		return fmt.Errorf("starting SCRAM: %w", err)
	}
	const ns = " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
	send := "<auth" + ns + " mechanism='" + a.mechanism() + "'>" + base64.StdEncoding.EncodeToString([]byte(first)) + "</auth>"
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
