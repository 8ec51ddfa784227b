package edge

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"quorate.org/daemon/sasl"
)

// torn writes to a connection byte by byte.
type torn struct{ *net.TCPConn }

func (c torn) Write(b []byte) (int, error) {
	for i := range b {
		if _, err := c.TCPConn.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// TestTornRecords sends each byte of the TLS records by itself: what has come of one
// is kept while the stream waits for the rest.
func TestTornRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	to := r.client("romeo", "x")
	c, err := net.Dial("tcp", r.address(true))
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, conn: torn{c.(*net.TCPConn)}, tls: clientTLS}
	defer c.Close()
	p.secure()
	if got := p.signIn(login{user: "juliet", password: "pencil", binding: sasl.Exporter}); !strings.Contains(got, "<success") {
		t.Fatalf("not signed in: %s", got)
	}
	p.bind("x")
	var want strings.Builder
	for i := range 20 {
		body := fmt.Sprintf("<body>%d%s</body>", i, strings.Repeat("x", i*100))
		p.send("<message to='romeo@meet.example/x'>" + body + "</message>")
		want.WriteString("[^>]*>" + body + "</message>")
	}
	to.until(want.String())
}

// TestIdleMemory counts what is held for a stream that waits, at both its ends.
func TestIdleMemory(t *testing.T) {
	r := newRig(t, Limits{})
	const clients, bound = 200, 24 << 10 // a lent buffer alone is 16
	to := r.client("romeo", "x")
	before := held()
	for i := range clients {
		p := r.client("juliet", fmt.Sprint(i))
		p.send("<message to='romeo@meet.example/x'><body/></message>")
		to.until("<body/></message>")
	}
	if each := (held() - before) / clients; each > bound {
		t.Errorf("%d bytes", each)
	}
}

// held is memory of heap and stacks.
func held() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}
