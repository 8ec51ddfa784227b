package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/sasl"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	for name, c := range map[string]struct {
		direct bool
		login  login
		want   string
	}{
		"starttls":            {false, login{"juliet", "pencil", ""}, "<success"},
		"starttls, exporter":  {false, login{"juliet", "pencil", sasl.Exporter}, "<success"},
		"starttls, end point": {false, login{"juliet", "pencil", sasl.EndPoint}, "<success"},
		"direct, exporter":    {true, login{"JULIET", "pencil", sasl.Exporter}, "<success"},
		"direct, end point":   {true, login{"romeo", "pencil", sasl.EndPoint}, "<success"},
		"wrong password":      {false, login{"juliet", "pen", sasl.Exporter}, "<not-authorized/>"},
		"unknown user":        {true, login{"tybalt", "pencil", ""}, "<not-authorized/>"},
	} {
		t.Run(name, func(t *testing.T) {
			p := r.dial(c.direct)
			if !c.direct {
				p.startTLS()
			}
			if got := p.signIn(c.login); !strings.Contains(got, c.want) {
				t.Fatalf("got %s", got)
			}
			if c.want != "<success" {
				return
			}
			p.bind("here")
			p.send("<message to='" + strings.ToLower(c.login.user) + "@meet.example/here' id='1'><body>hi</body></message>")
			p.until("<message from='" + strings.ToLower(c.login.user) + "@meet.example/here' [^>]*id='1'><body>hi</body></message>")
			p.send("</stream:stream>")
			if got := p.rest(); got != "</stream:stream>" {
				t.Errorf("at the end: %q", got)
			}
			if s := r.closedSession(); s.jid.Resource() != "here" {
				t.Errorf("closed %s", s.jid)
			}
		})
	}
	if n := len(r.logged(2, "condition", "not-authorized")); n != 2 {
		t.Errorf("%d failed sign-ins in the journal, want 2", n)
	}
}

// TestSASL2 signs in without a restart, with and without a resource bound at once
// (XEP-0388, XEP-0386); the second session of one installation replaces the first.
func TestSASL2(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	const agent = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/><bind xmlns='urn:xmpp:bind:0'><tag>t</tag></bind>"
	l := login{user: "juliet", password: "pencil", binding: sasl.Exporter}
	first, second, third := r.dial(true), r.dial(true), r.dial(true)
	resource := regexp.MustCompile("<authorization-identifier>juliet@meet.example/(t/[A-Z2-7]+)</authorization-identifier><bound xmlns='urn:xmpp:bind:0'/></success><stream:features><ver xmlns='urn:xmpp:features:rosterver'/><sub xmlns='urn:xmpp:features:pre-approval'/><csi xmlns='urn:xmpp:csi:0'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>$")
	m := resource.FindStringSubmatch(first.signIn2(l, agent))
	if m == nil {
		t.Fatal("no resource is bound")
	}
	first.send("<message to='juliet@meet.example/" + m[1] + "'><body>" + strings.Repeat("x", 100<<10) + "</body></message>")
	first.until("<message from='juliet@meet.example/t/[^>]*><body>x*</body></message>")
	if again := resource.FindStringSubmatch(second.signIn2(l, agent)); again == nil || again[1] != m[1] {
		t.Errorf("the same client is bound as %q, then %q", m, again)
	}
	first.fails("conflict")
	if got := third.signIn2(l, ""); !strings.HasSuffix(got, "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><ver xmlns='urn:xmpp:features:rosterver'/><sub xmlns='urn:xmpp:features:pre-approval'/><csi xmlns='urn:xmpp:csi:0'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>") {
		t.Fatalf("not signed in: %s", got)
	}
	third.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
	third.until("<iq type='result' id='b'>.*</iq>")
	third.send("<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
	if got := third.rest(); got != "</stream:stream>" { // RFC 6120 §4.9.1.1
		t.Errorf("a stream error is answered by %s", got)
	}
}

func TestComponentAndClient(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	cb, cl := r.component("cb1"), r.client("juliet", "x")
	const n = 500
	var batch strings.Builder
	for i := range n {
		fmt.Fprintf(&batch, "<message from='u%d@cb1.meet.example' to='juliet@meet.example/x' id='%d'/>", i%3, i)
	}
	go cb.conn.Write([]byte(batch.String()))
	for i := range n { // RFC 6120 §10.1: in order
		if got := cl.until("/>"); !strings.Contains(got, fmt.Sprintf("from='u%d@cb1.meet.example'", i%3)) || !strings.Contains(got, fmt.Sprintf("id='%d'", i)) {
			t.Fatalf("message %d: %s", i, got)
		}
	}
	cl.send("<iq xmlns='jabber:client' type='get' id='q' to='room@cb1.meet.example'><q xmlns='urn:x'/></iq>")
	if got := cb.until("</iq>"); strings.Contains(got, "jabber:client") || !strings.Contains(got, "from='juliet@meet.example/x'") {
		t.Errorf("at the component: %s", got)
	}
	if c, k := r.edge.Counts(); c != 1 || k != 1 {
		t.Errorf("%d clients, %d components", c, k)
	}
}

func TestRefusedComponents(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	p := r.dial(true)
	p.send(strings.ReplaceAll(componentOpen, "%s", "cb9"))
	p.fails("host-unknown")
	p = r.dial(true)
	p.handshake("cb1", "secret of cb2")
	p.fails("not-authorized")
	for code, name := range map[string]string{"UnknownComponent": "cb9", "WrongSecret": "cb1"} {
		found := r.logged(1, "fault", code)
		if len(found) != 1 || !strings.Contains(found[0]["message"], "call bridge "+name) ||
			!strings.HasPrefix(found[0]["address"], "127.0.0.1:") {
			t.Errorf("%s in the journal: %v", code, found)
		}
	}
	wantTurned(t, r, "UnknownComponent: call bridge cb9 is unknown, from 127.0.0.1", "WrongSecret: wrong secret for call bridge cb1, from 127.0.0.1")
	r.component("cb1")
	wantTurned(t, r, "UnknownComponent: call bridge cb9 is unknown, from 127.0.0.1")
}

func wantTurned(t *testing.T, r *rig, want ...string) {
	t.Helper()
	var got []string
	for _, f := range r.edge.TurnedAway() {
		got = append(got, string(f.Code)+": "+f.Message)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("turned away (-want +got):\n%s", diff)
	}
}

// TestConflict replaces a component's stream by a newer one.
func TestConflict(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	old := r.component("cb1")
	newer := r.component("cb1")
	old.fails("conflict")
	if s := r.closedSession(); s.jid.String() != "cb1.meet.example" {
		t.Errorf("closed %s", s.jid)
	}
	newer.send("<message from='cb1.meet.example' to='a@cb1.meet.example'/>")
	newer.until("<message .*/>")
}

func TestInvalidFrom(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	cb, cl := r.component("cb1"), r.client("juliet", "x")
	cb.send("<message from='cb2.meet.example' to='juliet@meet.example/x'/>")
	cb.fails("invalid-from")
	cl.send("<message from='romeo@meet.example' to='juliet@meet.example/x'/>")
	cl.fails("invalid-from")
	if got := r.logged(2, "condition", "invalid-from"); len(got) != 2 {
		t.Errorf("in the journal: %v", got)
	}
}

// TestInjection sends bytes in the clear behind <starttls/> (CVE-2011-0411).
func TestInjection(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	p := r.dial(false)
	p.send(clientOpen)
	p.until("</stream:features>")
	p.send("<starttls xmlns='" + nsTLS + "'/><message/>")
	if got := p.rest(); got != "<failure xmlns='"+nsTLS+"'/></stream:stream>" {
		t.Errorf("got %s", got)
	}
	p = r.dial(false)
	p.send(clientOpen)
	p.until("</stream:features>")
	p.send("<st")
	time.Sleep(50 * time.Millisecond) // so that it is held, most likely, when more comes than then fits: the answer is the same
	tag := "arttls xmlns='" + nsTLS + "'/>"
	p.send(tag + strings.Repeat(" ", lentSize-len("<st"+tag)) + "<x>")
	if got := p.rest(); got != "<failure xmlns='"+nsTLS+"'/></stream:stream>" {
		t.Errorf("behind much white space: got %s", got)
	}
	p = r.dial(false)
	p.send(clientOpen)
	p.until("</stream:features>")
	p.send("<starttls xmlns='" + nsTLS + "'/>\r\n\t ") // go-sendxmpp ends it with a line feed
	p.until("<proceed [^>]*/>")
	p.secure()
	if got := p.signIn(login{user: "juliet", password: "pencil"}); !strings.Contains(got, "<success") {
		t.Errorf("behind white space: %s", got)
	}
}

// TestSwitch turns the service off and on again.
func TestSwitch(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	bound, fresh, half := r.client("juliet", "x"), r.dial(false), r.dial(false)
	half.send(clientOpen)
	half.until("</stream:features>")
	address := r.address(false)
	off := r.cfg
	off.Open = false
	if err := r.edge.Apply(off); err != nil {
		t.Fatal(err)
	}
	bound.fails("system-shutdown")
	half.fails("system-shutdown")
	fresh.fails("system-shutdown")
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("the port is still open")
	}
	if err := r.edge.Apply(r.cfg); err != nil {
		t.Fatal(err)
	}
	r.client("juliet", "x")
}

// TestApplyKeepsStreams changes certificate, limits and addresses under a stream.
func TestApplyKeepsStreams(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	p := r.client("juliet", "x")
	presented := func() string {
		c, err := tls.Dial("tcp", r.address(true), clientTLS)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := presented()
	r.cert.Store(selfSigned(t))
	if presented() == before {
		t.Error("a new handshake still shows the old certificate")
	}
	moved := r.cfg
	moved.Addrs = []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")}
	moved.Limits.Stanza = 1000
	if err := r.edge.Apply(moved); err != nil {
		t.Fatal(err)
	}
	if n := len(r.edge.Listening()); n != 4 {
		t.Errorf("%d ports open", n)
	}
	p.send("<message to='juliet@meet.example/x' id='still'/>")
	p.until("id='still'")
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	bad := r.cfg
	bad.ClientPort = taken.Addr().(*net.TCPAddr).AddrPort().Port()
	if err := r.edge.Apply(bad); !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("port taken: %v", err)
	}
	if n := len(r.edge.Listening()); n != 1 {
		t.Errorf("%d ports open, want the other one", n)
	}
	for _, c := range []Config{{Open: true}, {Open: true, Addrs: r.cfg.Addrs}} {
		if err := r.edge.Apply(c); err == nil {
			t.Errorf("accepted %+v", c)
		}
	}
	r.stop()
	if err := r.edge.Apply(r.cfg); !errors.Is(err, ErrStopped) {
		t.Errorf("after the end: %v", err)
	}
}

// TestStop ends Run with streams in every state; one peer does not read.
func TestStop(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	waits := make(chan struct{})
	r.hub.granting = func(ctx context.Context, j jid.JID) error {
		if j.Resource() != "waits" {
			return nil
		}
		close(waits)
		<-ctx.Done()
		return ctx.Err()
	}
	bound, waiting := r.component("cb1"), r.dial(true)
	waiting.signIn(login{"juliet", "pencil", ""})
	waiting.send(clientOpen + "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>waits</resource></bind></iq>")
	<-waits
	begun := time.Now()
	r.stop()
	if d := time.Since(begun); d > 2*closeWait {
		t.Errorf("took %v", d)
	}
	bound.fails("system-shutdown")
	if got := waiting.rest(); !strings.Contains(got, "<system-shutdown") {
		t.Errorf("got %s", got)
	}
	if s := r.closedSession(); s.jid.String() != "cb1.meet.example" {
		t.Errorf("closed %s", s.jid)
	}
}

// TestSocketOptions looks for the options on an accepted socket.
func TestSocketOptions(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	r.client("juliet", "x")
	r.edge.mu.Lock()
	defer r.edge.mu.Unlock()
	for c := range r.edge.conns {
		c.tcp.raw.Control(func(fd uintptr) {
			for _, o := range []struct{ level, name, want int }{
				{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(DefaultLimits.WriteTimeout / time.Millisecond)},
				{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
				{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 60},
			} {
				if got, err := unix.GetsockoptInt(int(fd), o.level, o.name); err != nil || got != o.want {
					t.Errorf("option %d: %d, %v", o.name, got, err)
				}
			}
		})
	}
}
