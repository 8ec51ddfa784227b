package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/certd"
	"quorate.org/daemon/confd"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal/journaltest"
	"quorate.org/daemon/metrics"
	"quorate.org/daemon/pki/pkitest"
	"quorate.org/daemon/service"
)

// patience bounds every wait; nothing waits so long unless it is broken.
const patience = time.Minute

const domain = "meet.example"

var lastAddr atomic.Int32

// newAddr returns an address that no other node of these tests has, nor one of
// another run of them at the same time.
func newAddr() string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 64+pid>>8%128, pid%256, lastAddr.Add(1))
}

// rig is a node with the real configuration and certificate services, on a bus
// and an address of its own.
type rig struct {
	t     *testing.T
	ctx   context.Context
	addr  string
	dir   string
	log   *journaltest.Text
	node  *Node
	stop  func() // ends the node; nil when it does not run
	certs *bus.Certificates
	conf  *bus.Config
	xmpp  *bus.Xmpp
}

// Timers of raft: a node alone elects itself at once; two are to keep their leader
// on a busy host too.
const (
	alone  = 50 * time.Millisecond
	paired = 400 * time.Millisecond
)

// newRig starts all three on a quorate.toml, which may be empty.
func newRig(t *testing.T, toml string) *rig {
	t.Helper()
	return newRigOf(t, toml, alone)
}

// newRigOf is newRig with other timers.
func newRigOf(t *testing.T, toml string, timer time.Duration) *rig {
	t.Helper()
	r := prepare(t, toml, timer)
	r.startCertd()
	r.start()
	return r
}

// prepare starts the configuration service alone.
func prepare(t *testing.T, toml string, timer time.Duration) *rig {
	t.Helper()
	bustest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	t.Cleanup(cancel)
	r := &rig{t: t, ctx: ctx, addr: newAddr(), dir: t.TempDir(), log: &journaltest.Text{}}
	for _, d := range []string{"etc", "etc/conf.d", "config", "cert", "exchange", "xmpp"} {
		if err := os.Mkdir(filepath.Join(r.dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r.edit(toml)
	timers := fmt.Sprintf("[cluster]\nheartbeat = %[1]q\nelection = %[1]q\nlease = %[1]q\n", timer)
	if err := os.WriteFile(filepath.Join(r.dir, "etc", "conf.d", "10-timers.toml"), []byte(timers), 0o644); err != nil {
		t.Fatal(err)
	}
	conn := r.dial()
	s, err := confd.Open(confd.Config{Dir: filepath.Join(r.dir, "etc"), State: filepath.Join(r.dir, "config"), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	object, err := conn.ServeConfig(s, bus.ConfigProperties{Generation: s.Generation()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Announce(s.Generation(), object.Changed); err != nil {
		t.Fatal(err)
	}
	client := r.dial()
	r.conf, r.certs, r.xmpp = client.Config(), client.Certificates(), client.Xmpp()
	return r
}

var quiet = slog.New(slog.DiscardHandler)

func (r *rig) dial() *bus.Conn {
	r.t.Helper()
	c, err := bus.Dial()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

func (r *rig) startCertd() {
	r.t.Helper()
	roots := filepath.Join(r.dir, "roots.pem")
	if err := os.WriteFile(roots, pkitest.NewCA(r.t, "World CA").PEM(), 0o600); err != nil {
		r.t.Fatal(err)
	}
	s, err := certd.New(certd.Config{State: filepath.Join(r.dir, "cert"), Exchange: filepath.Join(r.dir, "exchange"), PublicRoots: roots, Log: quiet}, r.dial())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(r.run(func(ctx context.Context, n *service.Notifier) error { return s.Run(ctx, n) }))
	r.until("the certificate service answers", func() bool { return r.certs.Scan(r.ctx) == nil })
}

// run runs a daemon until the returned function is called.
func (r *rig) run(body func(context.Context, *service.Notifier) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx, quiet, nil, body) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			r.t.Errorf("a daemon ended with %v", err)
		}
	})
}

// start starts the node and returns when it answers.
func (r *rig) start() {
	r.t.Helper()
	conn, err := bus.Dial()
	if err != nil {
		r.t.Fatal(err)
	}
	records := metrics.NewRecords()
	overheard, err := metrics.NewLibraries()
	r.must(err)
	log := slog.New(records.Handler(slog.NewTextHandler(r.log, nil)))
	r.node = New(Config{State: filepath.Join(r.dir, "xmpp"), Hostname: "cb1", Machine: "m1", Version: "test", Records: records, Overheard: overheard, Log: log}, conn)
	end := r.run(r.node.Run)
	r.stop = sync.OnceFunc(func() { end(); conn.Close() })
	r.t.Cleanup(r.stop)
	r.until("the node answers", func() bool { _, err := r.xmpp.Status(r.ctx); return err == nil })
}

func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.start()
}

// until polls, since the outcome of what it waits for is all there is to see.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	r.t.Fatalf("waited too long until %s\n%s", what, r.log)
}

// edit writes quorate.toml as a person would.
func (r *rig) edit(toml string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, "etc", "quorate.toml"), []byte(toml), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// reload has the edited file applied.
func (r *rig) reload() []bus.Step {
	r.t.Helper()
	g, err := r.conf.Reload(r.ctx)
	return r.applied(g, err)
}

// set changes settings and returns what applying them did.
func (r *rig) set(values map[string]any) []bus.Step {
	r.t.Helper()
	g, err := r.conf.Set(r.ctx, values)
	return r.applied(g, err)
}

func (r *rig) applied(generation uint64, err error) []bus.Step {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	steps, err := r.xmpp.Applied(r.ctx, generation)
	if err != nil {
		r.t.Fatalf("%v\n%s", err, r.log)
	}
	return steps
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%v\n%s", err, r.log)
	}
}

// upload puts a key and its certificate into the store as name.key, name.cer.
func (r *rig) upload(name string) *pkitest.Issued {
	r.t.Helper()
	return r.uploadFor(name, domain)
}

// uploadFor is upload for a certificate that names that domain.
func (r *rig) uploadFor(name, domain string) *pkitest.Issued {
	r.t.Helper()
	c := pkitest.SelfSigned(r.t, domain, pkitest.Valid(time.Now().Add(-time.Hour), time.Now().AddDate(0, 3, 0)))
	for file, b := range map[string][]byte{name + ".key": c.KeyPEM(r.t), name + ".cer": c.PEM()} {
		if err := os.WriteFile(filepath.Join(r.dir, "exchange", file), b, 0o640); err != nil {
			r.t.Fatal(err)
		}
	}
	r.must(r.certs.Scan(r.ctx))
	return c
}

// enabled is a node that serves its domain.
func enabled(t *testing.T) (*rig, *pkitest.Issued) {
	t.Helper()
	r := newRig(t, "")
	c := r.upload("xmpp")
	r.must(r.xmpp.SetDomain(r.ctx, domain))
	r.set(map[string]any{"xmpp.enabled": true, "xmpp.listen": []string{r.addr}, "xmpp.key": "xmpp.key", "xmpp.certificate": "xmpp.cer"})
	return r, c
}

func (r *rig) status() bus.XmppStatus {
	r.t.Helper()
	s, err := r.xmpp.Status(r.ctx)
	r.must(err)
	return s
}

// open reports whether a port takes connections.
func (r *rig) open(port int) bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(r.addr, fmt.Sprint(port)), patience)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// wantPorts compares which ports are open: client, component and cluster. Those that are
// to open may wait for the log.
func (r *rig) wantPorts(when string, client, component, cluster bool) {
	r.t.Helper()
	for port, want := range map[int]bool{5222: client, 5223: component, 5224: cluster} {
		if want {
			r.until(fmt.Sprintf("%s port %d to be open", when, port), func() bool { return r.open(port) })
		} else if r.open(port) {
			r.t.Errorf("%s port %d is open\n%s", when, port, r.log)
		}
	}
}

// handshake connects to the component port.
func (r *rig) handshake() *tls.Conn {
	r.t.Helper()
	return r.handshakeFor("")
}

// handshakeFor asks for a domain by SNI.
func (r *rig) handshakeFor(domain string) *tls.Conn {
	r.t.Helper()
	c, err := tls.Dial("tcp", r.addr+":5223", &tls.Config{InsecureSkipVerify: true, ServerName: domain})
	r.must(err)
	r.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

func (r *rig) shown() string { return string(r.handshake().ConnectionState().PeerCertificates[0].Raw) }

func (r *rig) wantFault(what string, err error, code fault.Code, text string) {
	r.t.Helper()
	if err == nil || fault.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		r.t.Errorf("%s: got %s %v, want %s …%s…", what, fault.CodeOf(err), err, code, text)
	}
}
