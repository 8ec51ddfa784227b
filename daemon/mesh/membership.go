package mesh

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"strconv"
	"time"
)

// Peer is another node as the member table has it.
type Peer struct {
	ID   string
	Name string // host name, for people
	Key  ed25519.PublicKey
	Addr string // IP address
	Port int    // of the mesh
}

func (p Peer) address() string { return net.JoinHostPort(p.Addr, strconv.Itoa(p.Port)) }

// Membership is who belongs to the cluster. It is never changed once given.
type Membership struct {
	ClusterID string          // empty: in no cluster
	Peers     map[string]Peer // without this node
	Removed   map[string]bool // node IDs that may not come back
}

// Caller is who makes a call.
type Caller struct {
	ID     string
	Member bool // in the member table, with this key
	Key    ed25519.PublicKey
	Addr   string // IP address it calls from
	Name   string
}

// Handler takes what the peers send.
type Handler interface {
	// LinkUp: the link to a member stands. Of one member it is told once for each
	// LinkDown that is not dead, in turn.
	LinkUp(id string)
	// LinkDown: it is lost. It is called again with dead when a new connection
	// is refused, which proves that the process is gone.
	LinkDown(id string, dead bool)
	// Receive takes the payloads of one read, in order. They are the handler's.
	Receive(id string, payloads [][]byte)
	// Call answers a request. Members and, for joining, strangers may call.
	Call(from Caller, method string, body []byte) ([]byte, error)
}

// Config is what New needs.
type Config struct {
	Identity    *Identity
	Name        string // host name
	Version     string
	Speaks      Speech // of the peer protocol; zero: Spoken
	Incarnation [16]byte
	Certificate func() (*tls.Certificate, error)      // for either side of a handshake
	Trust       func(chain []*x509.Certificate) error // nil error: the peer's certificate is accepted
	Keepalive   time.Duration                         // a link is idle for so long at most; lost after five; 0 = 125 ms
	Handler     Handler
	Logger      *slog.Logger
}
