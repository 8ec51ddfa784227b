package bench

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/xdg-go/scram"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
	"quorate.org/daemon/internal/lab/labtest"
)

// bench is one comparison. The servers run one after the other in the network of
// one lab, with one certificate.
type bench struct {
	t        *testing.T
	lab      *lab.Lab
	tls      *tls.Config // of the clients, which verify the certificate
	folder   string      // configurations and state of the others
	accounts []flow.Account
	signIns  int // of them, how many sign in at once
	messages int
	numbers  *os.File
}

// server is what is measured: it runs on some nodes and takes clients there.
type server struct {
	name  string
	nodes []*lab.Node
	at    []string // addresses for clients; a flow goes from the first to the last
}

func TestM5_7(t *testing.T) {
	b := newBench(t)
	b.measure(b.ours())
	b.killAll()
	b.handshakes()
	b.killAll()
	b.measure(b.prosody())
	b.killAll()
	e := b.ejabberd()
	b.crowds(e)
	b.flows(b.joined(e))
	must(t, b.numbers.Close())
}

// killAll ends every program on the nodes.
func (b *bench) killAll() {
	b.t.Helper()
	for _, n := range b.lab.Members() {
		must(b.t, n.Kill(b.t.Context()))
	}
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		t: t, folder: os.Getenv("QUORATE_BENCH"), signIns: size(t, "QUORATE_BENCH_SIGNINS"), messages: size(t, "QUORATE_BENCH_MESSAGES"),
		accounts: accounts(t, size(t, "QUORATE_BENCH_CLIENTS")),
	}
	var err error
	b.numbers, err = os.Create(filepath.Join(b.folder, "numbers"))
	must(t, err)
	b.lab = labtest.Form(t, lab.Shared)
	b.tls = labtest.TLS(b.lab)
	key, cert, err := b.lab.SharedPair()
	must(t, err)
	must(t, os.WriteFile(filepath.Join(b.folder, "xmpp.pem"), append(append(cert, b.lab.CA.PEM()...), key...), 0o644))
	return b
}

// size reads a number that scripts/bench sets.
func size(t *testing.T, variable string) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv(variable))
	if err != nil || n < 2 {
		t.Fatalf("%s is %q, not a number from 2; scripts/bench xmpp sets it", variable, os.Getenv(variable))
	}
	return n
}

// accounts are the clients: each has an account of its own, and keeps the keys of
// its password, so that the load generator derives them once.
func accounts(t *testing.T, count int) []flow.Account {
	t.Helper()
	var list []flow.Account
	for i := range count {
		name := "u" + strconv.Itoa(i+1)
		keys, err := scram.SHA256.NewClient(name, labtest.Password, "")
		must(t, err)
		list = append(list, flow.Account{Local: name, Domain: lab.Domain, Password: labtest.Password, Resource: "bench", Keys: keys})
	}
	return list
}
