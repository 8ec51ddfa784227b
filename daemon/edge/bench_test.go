package edge

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/stream"
	"quorate.org/daemon/xmlwire"
)

// message is of the size that the budgets of the project are about.
var message = "<message from='user@cb1.meet.example/res' to='juliet@meet.example/x' type='chat' id='abcdef0123'><body>" +
	strings.Repeat("The quick brown fox. ", 10) + "</body></message>"

// BenchmarkIngress is what one stanza costs from decrypted bytes to the session:
// scan, judge, stamp.
func BenchmarkIngress(b *testing.B) {
	for _, per := range []int{1, 32} {
		b.Run(fmt.Sprint("batch=", per), func(b *testing.B) {
			r := newHub()
			r.sent = func([]byte) error { return nil }
			c := &conn{
				machine: stream.New(stream.Config{Direct: true, Accounts: meet()}),
				scan:    xmlwire.NewScanner(xmlwire.Limits{}),
				session: &hubSession{hub: r},
			}
			ev, _, err := c.scan.Next([]byte(strings.ReplaceAll(componentOpen, "%s", "cb1")))
			if err != nil {
				b.Fatal(err)
			}
			c.machine.Header(nil, ev.Stream)
			c.machine.Granted(nil, jid.MustParse("cb1.meet.example"))
			data := []byte(strings.Repeat(message, per))
			b.SetBytes(int64(len(message)))
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%per != 0 {
					continue
				}
				if done, err := c.consume(data); err != nil || done != len(data) {
					b.Fatal(done, err)
				}
			}
		})
	}
}

// BenchmarkEnqueue is what one stanza costs in the outbox, without its write.
func BenchmarkEnqueue(b *testing.B) {
	var o outbox
	o.init(1<<20, 0)
	o.release()
	raw := []byte(message)
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		o.put(raw)
		if n%32 == 31 {
			chunk, _ := o.take(0)
			for chunk != nil {
				chunk, _ = o.take(len(chunk))
			}
		}
	}
}

// BenchmarkRelay sends messages from a component to a client, both over TLS on
// loopback: all that an edge does, with the TLS of both peers in the same
// process. Peers write 32 messages at once.
func BenchmarkRelay(b *testing.B) {
	for _, window := range []int{1, 32} {
		b.Run(fmt.Sprint("window=", window), func(b *testing.B) {
			r := newRig(b, Limits{})
			from, to := r.component("cb1"), r.client("juliet", "x")
			size := len(xmlwireStamped(b))
			buf := make([]byte, 64<<10)
			batch := []byte(strings.Repeat(message, window))
			b.SetBytes(int64(len(message)))
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%window != 0 {
					continue
				}
				if _, err := from.conn.Write(batch); err != nil {
					b.Fatal(err)
				}
				for left := window * size; left > 0; {
					n, err := to.conn.Read(buf)
					if err != nil {
						b.Fatal(err)
					}
					left -= n
				}
			}
		})
	}
}

// xmlwireStamped is message as it leaves the edge.
func xmlwireStamped(b *testing.B) []byte {
	s := xmlwire.NewScanner(xmlwire.Limits{})
	in := []byte(strings.ReplaceAll(componentOpen, "%s", "cb1") + message)
	_, n, err := s.Next(in)
	if err != nil {
		b.Fatal(err)
	}
	ev, _, err := s.Next(in[n:])
	if err != nil {
		b.Fatal(err)
	}
	return xmlwire.AppendStamped(nil, ev.Raw, ev.Header, "user@cb1.meet.example/res", "", "")
}

// BenchmarkBareRelay is the same bytes through two TLS connections and nothing
// else, to compare with.
func BenchmarkBareRelay(b *testing.B) {
	cert := selfSigned(b)
	pair := func() (client, server *tls.Conn) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		done := make(chan *tls.Conn, 1)
		go func() {
			c, err := l.Accept()
			if err != nil {
				done <- nil
				return
			}
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*cert}})
			s.Handshake()
			done <- s
		}()
		client, err = tls.Dial("tcp", l.Addr().String(), clientTLS)
		if err != nil {
			b.Fatal(err)
		}
		return client, <-done
	}
	for _, window := range []int{1, 32} {
		b.Run(fmt.Sprint("window=", window), func(b *testing.B) {
			from, in := pair()
			to, out := pair()
			defer from.Close()
			go io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, make([]byte, 16<<10))
			batch, buf := []byte(strings.Repeat(message, window)), make([]byte, 64<<10)
			b.SetBytes(int64(len(message)))
			for n := 0; b.Loop(); n++ {
				if n%window != 0 {
					continue
				}
				if _, err := from.Write(batch); err != nil {
					b.Fatal(err)
				}
				for left := len(batch); left > 0; {
					n, err := to.Read(buf)
					if err != nil {
						b.Fatal(err)
					}
					left -= n
				}
			}
		})
	}
}

// BenchmarkSignIn is a whole sign-in over direct TLS by SCRAM-SHA-256-PLUS, the
// client's part included.
func BenchmarkSignIn(b *testing.B) {
	r := newRig(b, Limits{})
	n := 0
	for b.Loop() {
		p := r.client("juliet", fmt.Sprint(n))
		p.conn.Close()
		n++
	}
}

// BenchmarkIdle reports the memory of an idle client, both ends of its TLS
// connection included, for the heap and stacks of this process.
func BenchmarkIdle(b *testing.B) {
	r := newRig(b, Limits{PerAddress: 1 << 20})
	var peers []*peer
	before := memory()
	for b.Loop() {
		peers = append(peers, r.client("juliet", fmt.Sprint(len(peers))))
		peers[len(peers)-1].got = ""
	}
	b.ReportMetric(float64(memory()-before)/float64(len(peers))/1024, "KiB/client")
	runtime.KeepAlive(peers)
}

func memory() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}
