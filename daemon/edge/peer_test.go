package edge

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xdg-go/scram"

	"quorate.org/daemon/sasl"
)

// patience bounds each wait of a test for what should come at once.
const patience = time.Minute

// rig is an Edge under test, on ports of its own.
type rig struct {
	t    testing.TB
	edge *Edge
	hub  *hub
	log  records
	cert atomic.Pointer[tls.Certificate]
	cfg  Config
	stop func() // ends Run and waits for it
}

func newRig(t testing.TB, l Limits) *rig { return newRigOf(t, l, meet()) }

func newRigOf(t testing.TB, l Limits, a Accounts) *rig {
	t.Helper()
	r := &rig{t: t, hub: newHub(), log: newRecords()}
	r.cert.Store(selfSigned(t))
	r.edge = New(r.hub, a, slog.New(r.log))
	r.cfg = Config{
		Open: true, Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Limits: l,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return r.cert.Load(), nil },
	}
	if err := r.edge.Apply(r.cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.edge.Run(ctx) }()
	r.stop = func() { cancel(); <-done }
	t.Cleanup(r.stop)
	return r
}

func selfSigned(t testing.TB) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial, DNSNames: []string{"meet.example"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// address of the client port, or of the direct-TLS port.
func (r *rig) address(direct bool) string {
	r.t.Helper()
	for _, e := range r.edge.Listening() {
		if e.Direct == direct {
			return e.Addr.String()
		}
	}
	r.t.Fatal("the port is not open")
	return ""
}

// peer is the other end of a stream.
type peer struct {
	t    testing.TB
	conn net.Conn
	got  string // read and not yet looked at
	tls  *tls.Config

	begun bool // signIn has opened the stream
}

var clientTLS = &tls.Config{InsecureSkipVerify: true, ServerName: "meet.example"}

func (r *rig) dial(direct bool) *peer {
	r.t.Helper()
	c, err := net.Dial("tcp", r.address(direct))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	p := &peer{t: r.t, conn: c, tls: clientTLS}
	if direct {
		p.secure()
	}
	return p
}

func (p *peer) secure() {
	p.t.Helper()
	t := tls.Client(p.conn, p.tls)
	t.SetDeadline(time.Now().Add(patience))
	if err := t.Handshake(); err != nil {
		p.t.Fatal(err)
	}
	t.SetDeadline(time.Time{})
	p.conn = t
}

func (p *peer) send(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.conn, s); err != nil {
		p.t.Fatalf("sending %.100q: %v", s, err)
	}
}

// until reads up to and including the first match of pattern.
func (p *peer) until(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	buf := make([]byte, 64<<10)
	p.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		if at := re.FindStringIndex(p.got); at != nil {
			head := p.got[:at[1]]
			p.got = p.got[at[1]:]
			return head
		}
		n, err := p.conn.Read(buf)
		p.got += string(buf[:n])
		if err != nil && n == 0 {
			p.t.Fatalf("waiting for %s: %v; got %.2000q", pattern, err, p.got)
		}
	}
}

// rest reads to the end of the connection, which has to come.
func (p *peer) rest() string {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(patience))
	b, err := io.ReadAll(p.conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("the connection stays open; got %.2000q", b)
	}
	s := p.got + string(b)
	p.got = ""
	return s
}

// fails expects a stream error and the end of stream and connection.
func (p *peer) fails(condition string) {
	p.t.Helper()
	got := p.until("</stream:stream>")
	if !strings.Contains(got, "<stream:error><"+condition+" xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>") {
		p.t.Fatalf("want <%s/>, got %.2000q", condition, got)
	}
	if more := p.rest(); more != "" {
		p.t.Fatalf("behind the end of the stream: %q", more)
	}
}

const (
	clientOpen    = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='meet.example' version='1.0'>"
	componentOpen = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='%s.meet.example'>"
	nsTLS         = "urn:ietf:params:xml:ns:xmpp-tls"
	nsSASL        = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsSASL2       = "urn:xmpp:sasl:2"
)

// startTLS takes a fresh connection through STARTTLS.
func (p *peer) startTLS() {
	p.t.Helper()
	p.send(clientOpen)
	if got := p.until("</stream:features>"); strings.Contains(got, "mechanism") {
		p.t.Fatalf("SASL before TLS: %s", got)
	}
	p.send("<starttls xmlns='" + nsTLS + "'/>")
	p.until("<proceed [^>]*/>")
	p.secure()
}

// login is how a client signs in.
type login struct {
	user, password string
	binding        string // channel binding type, "" for none
}

// signIn opens a stream and plays SCRAM; it returns the last answer.
func (p *peer) signIn(l login) string {
	p.t.Helper()
	if p.begun {
		return p.signInHere(l)
	}
	p.begun = true
	p.send(clientOpen)
	p.until("</stream:features>")
	return p.signInHere(l)
}

// signInHere is signIn on a stream that is open.
func (p *peer) signInHere(l login) string {
	p.t.Helper()
	mech, conv := p.conversation(l)
	return p.play(conv, func(first string) string {
		return "<auth xmlns='" + nsSASL + "' mechanism='" + mech + "'>" + first + "</auth>"
	}, func(final string) string {
		return "<response xmlns='" + nsSASL + "'>" + final + "</response>"
	})
}

// signIn2 is signIn in the profile of XEP-0388, with what else is asked for; it
// returns the last answer with the features behind it.
func (p *peer) signIn2(l login, more string) string {
	p.t.Helper()
	p.send(clientOpen)
	p.until("</stream:features>")
	mech, conv := p.conversation(l)
	got := p.play(conv, func(first string) string {
		return "<authenticate xmlns='" + nsSASL2 + "' mechanism='" + mech + "'><initial-response>" + first + "</initial-response>" + more + "</authenticate>"
	}, func(final string) string {
		return "<response xmlns='" + nsSASL2 + "'>" + final + "</response>"
	})
	if strings.HasSuffix(got, "</success>") && !strings.Contains(got, "<resumed") { // XEP-0198 §7.2
		got += p.until("</stream:features>")
	}
	return got
}

// conversation is the client's side of SCRAM on this connection.
func (p *peer) conversation(l login) (mech string, conv *scram.ClientConversation) {
	p.t.Helper()
	client, err := scram.SHA256.NewClient(l.user, l.password, "")
	if err != nil {
		p.t.Fatal(err)
	}
	mech, conv = sasl.ScramSHA256, client.NewConversation()
	if l.binding != "" {
		state := p.conn.(*tls.Conn).ConnectionState()
		b := sasl.BindingOf(state, state.PeerCertificates[0])
		data := map[string][]byte{sasl.Exporter: b.Exporter, sasl.EndPoint: b.EndPoint}[l.binding]
		mech = sasl.ScramSHA256Plus
		conv = client.NewConversationWithChannelBinding(scram.ChannelBinding{Type: scram.ChannelBindingType(l.binding), Data: data})
	}
	return mech, conv
}

// first is a client's first message without channel binding, in base64.
func first(user string) string {
	return base64.StdEncoding.EncodeToString([]byte("n,,n=" + user + ",r=abc"))
}

// play sends the messages of SCRAM as begin and end wrap them.
func (p *peer) play(conv *scram.ClientConversation, begin, end func(data string) string) string {
	p.t.Helper()
	first, err := conv.Step("")
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(begin(base64.StdEncoding.EncodeToString([]byte(first))))
	final, err := conv.Step(p.saslData("challenge"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(end(base64.StdEncoding.EncodeToString([]byte(final))))
	return p.until("</(success|failure)>")
}

func (p *peer) saslData(name string) string {
	p.t.Helper()
	got := p.until("</" + name + ">")
	data := got[strings.LastIndexByte(got[:len(got)-1], '>')+1 : len(got)-len(name)-3]
	b, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		p.t.Fatalf("%s: %v", got, err)
	}
	return string(b)
}

// bind opens the stream after sign-in and binds the resource.
func (p *peer) bind(resource string) {
	p.t.Helper()
	p.send(clientOpen)
	p.until("<bind xmlns='[^']*'/>.*</stream:features>")
	p.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" + resource + "</resource></bind></iq>")
	p.until("<iq type='result' id='b'>.*</iq>")
}

// client returns a bound stream of user/resource over direct TLS.
func (r *rig) client(user, resource string) *peer {
	r.t.Helper()
	p := r.dial(true)
	if got := p.signIn(login{user: user, password: "pencil", binding: sasl.Exporter}); !strings.Contains(got, "<success") {
		r.t.Fatalf("not signed in: %s", got)
	}
	p.bind(resource)
	return p
}

var streamID = regexp.MustCompile(` id='([^']*)'`)

// component returns a bound stream of the component.
func (r *rig) component(name string) *peer {
	r.t.Helper()
	p := r.dial(true)
	p.handshake(name, "secret of "+name)
	p.until("<handshake/>")
	return p
}

func (p *peer) handshake(name, secret string) {
	p.t.Helper()
	p.send(strings.ReplaceAll(componentOpen, "%s", name))
	id := streamID.FindStringSubmatch(p.until("<stream:stream [^>]*>"))
	if id == nil {
		p.t.Fatal("no stream ID")
	}
	sum := sha1.Sum([]byte(id[1] + secret))
	p.send("<handshake>" + hex.EncodeToString(sum[:]) + "</handshake>")
}

// closedSession waits for the next session that the edge closes.
func (r *rig) closedSession() *hubSession {
	r.t.Helper()
	select {
	case s := <-r.hub.closed:
		return s
	case <-time.After(patience):
		r.t.Fatal("no session is closed")
		return nil
	}
}
