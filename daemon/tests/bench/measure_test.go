package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
)

// tell writes one number for the table.
func (b *bench) tell(what string, s string, value float64) {
	b.t.Helper()
	b.t.Logf("M5.7 %s, %s: %.3f", what, s, value)
	_, err := fmt.Fprintf(b.numbers, "%s %s %.3f\n", what, s, value)
	must(b.t, err)
}

func (b *bench) measure(s server) {
	b.t.Helper()
	b.crowds(s)
	b.flows(s)
}

// crowds takes the memory of idle clients, then has many sign in at once.
func (b *bench) crowds(s server) {
	b.t.Helper()
	b.warm(s)
	before := b.settled(s)
	in, errs, _ := flow.Crowd(b.t.Context(), b.lab.Dial, s.at, b.tls, b.accounts, 32)
	if len(errs) > 0 {
		b.t.Fatalf("%s: %d of %d clients are not in: %v", s.name, len(errs), len(b.accounts), errs[0])
	}
	after := b.settled(s)
	b.tell("idle", s.name, float64(after.Memory-before.Memory)/1024/float64(len(b.accounts)))
	flow.Disperse(in)
	b.settled(s)
	b.rush(s)
}

// warm has some clients come and go, so that what a server sets up at its first ones
// is not counted as theirs; a few, so that it keeps no room for all.
func (b *bench) warm(s server) {
	b.t.Helper()
	in, errs, _ := flow.Crowd(b.t.Context(), b.lab.Dial, s.at, b.tls, b.accounts[:min(100, len(b.accounts))], 32)
	must(b.t, errors.Join(errs...))
	flow.Disperse(in)
}

// rush has as many clients sign in at once as are asked for.
func (b *bench) rush(s server) {
	b.t.Helper()
	some := b.accounts[:min(b.signIns, len(b.accounts))]
	in, errs, took := flow.Crowd(b.t.Context(), b.lab.Dial, s.at, b.tls, some, len(some))
	b.tell("errors", s.name, float64(len(errs)))
	b.tell("signins", s.name, float64(len(in))/took.Seconds())
	if len(errs) > 0 {
		b.t.Logf("%s: the first error: %v", s.name, errs[0])
	}
	flow.Disperse(in)
	b.settled(s)
}

// flows sends messages from a client of the first node to one of the last.
func (b *bench) flows(s server) {
	b.t.Helper()
	const window, size, trips = 64, 300, 5000
	ctx, cancel := context.WithTimeout(b.t.Context(), 5*time.Minute)
	defer cancel()
	var ends [2]*flow.Peer
	for i, at := range []string{s.at[0], s.at[len(s.at)-1]} {
		p, err := flow.Client(ctx, b.lab.Dial, at, b.tls, b.accounts[i])
		must(b.t, err)
		defer p.Close()
		ends[i] = p
	}
	_, _, err := flow.Throughput(ctx, ends[0], ends[1], b.messages/10, window, size) // warm up
	must(b.t, err)
	before := b.usage(s)
	r, took, err := flow.Throughput(ctx, ends[0], ends[1], b.messages, window, size)
	must(b.t, err)
	must(b.t, r.Err(false))
	used := b.usage(s).CPU - before.CPU
	b.tell("cpu", s.name, float64(used.Nanoseconds())/1000/float64(b.messages))
	b.tell("rate", s.name, float64(b.messages)/took.Seconds())
	times, err := flow.RoundTrips(ctx, ends[0], ends[1], min(trips, b.messages))
	must(b.t, err)
	b.tell("p50", s.name, flow.Percentile(times, 0.5).Seconds()*1000)
	b.tell("p99", s.name, flow.Percentile(times, 0.99).Seconds()*1000)
}

// usage is of all programs on the server's nodes.
func (b *bench) usage(s server) (sum lab.Usage) {
	b.t.Helper()
	for _, n := range s.nodes {
		u, err := n.Usage(b.t.Context())
		must(b.t, err)
		sum.CPU += u.CPU
		sum.Memory += u.Memory
	}
	return sum
}

// settled is the usage once some looks, one behind the other, found the same memory, to
// a fiftieth, and little work.
func (b *bench) settled(s server) (now lab.Usage) {
	b.t.Helper()
	const apart, looks = 3 * time.Second, 3
	now = b.usage(s)
	first, same := now.Memory, 0
	err := lab.Wait(b.t.Context(), patience, s.name+" to come to rest", func() error {
		before := now
		time.Sleep(apart)
		now = b.usage(s)
		work, more := now.CPU-before.CPU, now.Memory-first
		if same++; work > apart*3/4 || max(more, -more) > now.Memory/50 {
			first, same = now.Memory, 0
		}
		if same < looks {
			return fmt.Errorf("in %v it used %v and %d bytes more", apart, work, more)
		}
		return nil
	})
	must(b.t, err)
	return now
}

// handshakes counts bare handshakes of TLS 1.3 with the certificate of the servers: as
// many at once as sign in at once, by the same way, with a program on each node that
// does nothing else.
func (b *bench) handshakes() {
	b.t.Helper()
	self, err := os.Executable()
	must(b.t, err)
	s := server{name: "bare TLS", nodes: b.lab.Members()}
	for _, n := range s.nodes {
		must(b.t, n.Foreign(b.t.Context(), "bare", self, bare, filepath.Join(b.folder, "xmpp.pem")))
	}
	s = b.answering(s)
	errs, _ := flow.Handshakes(b.t.Context(), b.lab.Dial, s.at, b.tls, 100) // warm up
	must(b.t, errors.Join(errs...))
	errs, took := flow.Handshakes(b.t.Context(), b.lab.Dial, s.at, b.tls, b.signIns)
	must(b.t, errors.Join(errs...))
	b.tell("signins", "bare", float64(b.signIns)/took.Seconds())
}

// bare as the first argument makes this program a server of bare TLS, with the
// certificate and key in the file that is the second.
const bare = "bare"

func serveBare(file string) error {
	pair, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		return err
	}
	pair.Certificate = pair.Certificate[:1]                                                                                // clients have the CA's
	conf := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true} // as ours
	l, err := net.Listen("tcp", ":5222")
	for err == nil {
		var c net.Conn
		if c, err = l.Accept(); err == nil {
			go greet(c, conf)
		}
	}
	return err
}

// greet shakes hands and hangs up.
func greet(c net.Conn, conf *tls.Config) {
	defer c.Close()
	_ = tls.Server(c, conf).Handshake() // the client tells
}
