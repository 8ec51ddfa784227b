// Command mellium is a client by mellium.im/xmpp, a library that knows nothing of
// us. It has a module of its own, so that its libraries are not those of the
// product.
//
// It reads a description on standard input, signs in by SCRAM with channel
// binding and by nothing else, fills and reads its roster, writes to a client that
// echoes, waits for a copy of what another of its account's gets, reads its archive,
// and prints what it saw as JSON. SSL_CERT_FILE has the CA.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/carbons"
	"mellium.im/xmpp/history"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/mux"
	"mellium.im/xmpp/roster"
	"mellium.im/xmpp/stanza"
)

type description struct {
	JID, Password, Address, Target string
	Contact                        string // the name of the contact to enter
	Count                          int
}

// seen is what the test judges.
type seen struct {
	Bound  string
	TLS    string // version
	Roster []string
	Pushed []string
	Bodies []string
	Copies []string // bodies of carbons (XEP-0280)
	Kept   []string // bodies in the archive (XEP-0313)
}

// message is one with a body.
type message struct {
	stanza.Message
	Body string `xml:"body"`
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var in description
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fail(err)
	}
	got, err := run(ctx, in)
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(got); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func run(ctx context.Context, in description) (got seen, err error) {
	s, err := signIn(ctx, in)
	if err != nil {
		return got, fmt.Errorf("signing in: %w", err)
	}
	got.Bound, got.TLS = s.LocalAddr().String(), tls.VersionName(s.ConnectionState().Version)
	box := inbox{make(chan string, in.Count), make(chan string, 8), make(chan string, 8), make(chan string, 1000)}
	go func() { _ = s.Serve(box.handler()) }() // ends with the process
	if err := carbons.Enable(ctx, s); err != nil {
		return got, fmt.Errorf("enabling carbons: %w", err)
	}
	if err := keepAll(ctx, s); err != nil {
		return got, fmt.Errorf("asking for an archive: %w", err)
	}
	if err := s.Send(ctx, stanza.Presence{}.Wrap(nil)); err != nil {
		return got, fmt.Errorf("sending presence: %w", err)
	}
	if got.Roster, err = contacts(ctx, s, in.Contact); err != nil {
		return got, err
	}
	if got.Pushed, err = take(ctx, box.pushed, 1); err != nil {
		return got, fmt.Errorf("waiting for the push of the roster: %w", err)
	}
	to, err := jid.Parse(in.Target)
	if err != nil {
		return got, err
	}
	for i := range in.Count {
		m := message{Message: stanza.Message{To: to, Type: stanza.ChatMessage}, Body: fmt.Sprint(i)}
		if err := s.Encode(ctx, m); err != nil {
			return got, fmt.Errorf("sending message %d: %w", i, err)
		}
	}
	if got.Bodies, err = take(ctx, box.bodies, in.Count); err != nil {
		return got, fmt.Errorf("waiting for the echoes: %w", err)
	}
	if got.Copies, err = take(ctx, box.copies, 1); err != nil {
		return got, fmt.Errorf("waiting for a carbon: %w", err)
	}
	if got.Kept, err = archive(ctx, s, to, box.kept); err != nil {
		return got, fmt.Errorf("reading the archive: %w", err)
	}
	return got, s.Close()
}

// keepAll sets the account's preference (XEP-0441 §2), for which mellium has no name.
func keepAll(ctx context.Context, s *xmpp.Session) error {
	prefs := xml.StartElement{Name: xml.Name{Space: history.NS, Local: "prefs"}, Attr: []xml.Attr{{Name: xml.Name{Local: "default"}, Value: "always"}}}
	parts := xmlstream.MultiReader(
		xmlstream.Wrap(nil, xml.StartElement{Name: xml.Name{Local: "always"}}),
		xmlstream.Wrap(nil, xml.StartElement{Name: xml.Name{Local: "never"}}))
	var answer struct{ XMLName xml.Name }
	return s.UnmarshalIQ(ctx, stanza.IQ{Type: stanza.SetIQ}.Wrap(xmlstream.Wrap(parts, prefs)), &answer)
}

// archive returns what the archive has of a contact, page by page. Results come
// before the answer.
func archive(ctx context.Context, s *xmpp.Session, with jid.JID, kept <-chan string) (list []string, err error) {
	for page := ""; ; {
		r, err := history.Fetch(ctx, history.Query{With: with.Bare(), Limit: 40, PageID: page}, s.LocalAddr().Bare(), s)
		if err != nil {
			return nil, err
		}
		got, err := take(ctx, kept, len(kept))
		list = append(list, got...)
		if page = r.Set.Last; r.Complete || page == "" || err != nil {
			return list, err
		}
	}
}

func signIn(ctx context.Context, in description) (*xmpp.Session, error) {
	who, err := jid.Parse(in.JID)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", in.Address)
	if err != nil {
		return nil, err
	}
	return xmpp.NewClientSession(ctx, who, conn,
		xmpp.StartTLS(&tls.Config{ServerName: who.Domain().String(), MinVersion: tls.VersionTLS12}),
		xmpp.SASL("", in.Password, sasl.ScramSha256Plus),
		roster.Versioning(),
		xmpp.BindResource())
}

// contacts enters a contact and returns the roster that the server then has.
func contacts(ctx context.Context, s *xmpp.Session, name string) (list []string, err error) {
	if err := roster.FetchIQ(ctx, roster.IQ{}, s).Close(); err != nil { // from here on it is pushed
		return nil, fmt.Errorf("reading the roster: %w", err)
	}
	item := roster.Item{JID: jid.MustParse("nurse@" + s.LocalAddr().Domain().String()), Name: name, Group: []string{"House"}}
	if err := roster.Set(ctx, s, item); err != nil {
		return nil, fmt.Errorf("entering a contact: %w", err)
	}
	iter := roster.Fetch(ctx, s)
	for iter.Next() {
		list = append(list, fmt.Sprintf("%s %s %v", iter.Item().JID, iter.Item().Name, iter.Item().Group))
	}
	if err := iter.Err(); err != nil {
		return nil, fmt.Errorf("reading the roster: %w", err)
	}
	return list, iter.Close()
}

// inbox is where what comes waits for run.
type inbox struct{ bodies, pushed, copies, kept chan string }

// forwarded is a message within another.
type forwarded struct {
	Message message `xml:"result>forwarded>message"`
}

func (b inbox) handler() xmpp.Handler {
	return mux.New(stanza.NSClient,
		mux.MessageFunc(stanza.ChatMessage, xml.Name{Local: "body"}, func(_ stanza.Message, t xmlstream.TokenReadEncoder) error {
			var m message
			if err := xml.NewTokenDecoder(t).Decode(&m); err != nil {
				return err
			}
			b.bodies <- m.Body
			return nil
		}),
		mux.MessageFunc("", xml.Name{Space: history.NS, Local: "result"}, b.result),
		mux.MessageFunc(stanza.NormalMessage, xml.Name{Space: history.NS, Local: "result"}, b.result),
		carbons.Handle(carbons.Handler{F: func(_ stanza.Message, _ bool, inner xml.TokenReader) error {
			var m message
			if err := xml.NewTokenDecoder(inner).Decode(&m); err != nil {
				return err
			}
			b.copies <- m.Body
			return nil
		}}),
		roster.Handle(roster.Handler{Push: func(_ string, item roster.Item) error {
			b.pushed <- item.JID.String()
			return nil
		}}))
}

func (b inbox) result(_ stanza.Message, t xmlstream.TokenReadEncoder) error {
	var f forwarded
	if err := xml.NewTokenDecoder(t).Decode(&f); err != nil {
		return err
	}
	b.kept <- f.Message.Body
	return nil
}

func take(ctx context.Context, from <-chan string, count int) (list []string, err error) {
	for range count {
		select {
		case s := <-from:
			list = append(list, s)
		case <-ctx.Done():
			return list, ctx.Err()
		}
	}
	return list, nil
}
