package mesh

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"

	"quorate.org/daemon/fault"
)

// The protocols of the mesh port (ALPN).
const (
	protoRaft    = "raft/1"
	protoStanza  = "stanza/1"
	protoControl = "control/1"
)

const (
	handshakeTime = 5 * time.Second
	maxHello      = 4096
)

// hello is the first thing each side says.
type hello struct {
	Version     string       `json:"version"`
	Speaks      Speech       `json:"speaks"`
	Cluster     string       `json:"cluster,omitempty"`
	Key         []byte       `json:"key"`
	Sig         []byte       `json:"sig"`
	Incarnation [16]byte     `json:"incarnation"`
	Name        string       `json:"name"`
	Refused     *fault.Error `json:"refused,omitempty"` // instead of all the rest
}

// binding is what a hello signs: the TLS session, the side and the cluster.
func binding(conn *tls.Conn, server bool, cluster string) ([]byte, error) {
	cs := conn.ConnectionState()
	x, err := cs.ExportKeyingMaterial("EXPORTER-quorate-hello", nil, 32)
	if err != nil {
		return nil, fmt.Errorf("binding hello to TLS: %w", err)
	}
	side := "client"
	if server {
		side = "server"
	}
	return append([]byte("quorate hello 1 "+side+" "+cs.NegotiatedProtocol+" "+cluster+"\x00"), x...), nil
}

func (m *Mesh) sayHello(conn *tls.Conn, server bool) error {
	cluster := m.membership().ClusterID
	b, err := binding(conn, server, cluster)
	if err != nil {
		return err
	}
	i := m.cfg.Identity
	return writeJSON(conn, hello{Version: m.cfg.Version, Speaks: m.cfg.Speaks, Cluster: cluster, Key: i.Public(), Name: m.cfg.Name,
		Sig: ed25519.Sign(i.key, b), Incarnation: m.cfg.Incarnation})
}

// readHello checks the other side's hello and says who it is.
func (m *Mesh) readHello(conn *tls.Conn, server bool) (Caller, hello, error) {
	var h hello
	if err := readJSON(conn, maxHello, &h); err != nil {
		return Caller{}, h, inWords(err)
	}
	if h.Refused != nil {
		return Caller{}, h, fault.Mend(h.Refused.Code, printable(h.Refused.Message, maxHello), printable(h.Refused.Remedy, maxHello))
	}
	b, err := binding(conn, !server, h.Cluster)
	if err != nil {
		return Caller{}, h, err
	}
	if len(h.Key) != ed25519.PublicKeySize || !ed25519.Verify(h.Key, b, h.Sig) {
		return Caller{}, h, fault.New(fault.Trust, "the peer does not hold the node key it names")
	}
	if err := m.understands(h); err != nil {
		return Caller{ID: IDOf(h.Key)}, h, err
	}
	c := Caller{ID: IDOf(h.Key), Key: h.Key, Name: printable(h.Name, 255), Addr: hostOf(conn.RemoteAddr())}
	ms := m.membership()
	p, known := ms.Peers[c.ID]
	c.Member = known && bytes.Equal(p.Key, h.Key) && h.Cluster == ms.ClusterID && ms.ClusterID != ""
	return c, h, nil
}

var errRemoved = fault.Mend(fault.NotPermitted, "this node was removed from the cluster", "on it: xmpp cluster remove, then join again")

// IsRemoved reports whether err is a member's word that this node was removed.
func IsRemoved(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Code == errRemoved.Code && f.Message == errRemoved.Message
}

// admit decides whether a peer may use a protocol.
func (m *Mesh) admit(c Caller, h hello, proto string) error {
	ms := m.membership()
	switch {
	case c.ID == m.cfg.Identity.ID:
		return cloned(c.ID)
	case ms.Removed[c.ID]:
		return errRemoved
	case c.Member || proto == protoControl:
		return nil
	case h.Cluster != ms.ClusterID:
		return fault.New(fault.WrongState, fmt.Sprintf("the peer %s belongs to another cluster", c.Name))
	}
	return fault.New(fault.NotPermitted, fmt.Sprintf("the peer %s is no member of this cluster", c.Name))
}

// refuse tells the peer why, as far as it can still be told.
func refuse(conn *tls.Conn, err error) {
	var f *fault.Error
	if !errors.As(err, &f) {
		f = fault.New(fault.Internal, "refused")
	}
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	writeJSON(conn, hello{Refused: f})
	conn.Close()
}

// printable is what a peer says as it may be shown in a terminal: at most limit
// bytes, without control characters.
func printable(s string, limit int) string {
	s = s[:min(len(s), limit)]
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// inWords names the fault behind a failed handshake.
func inWords(err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	text := cause(err).Error()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fault.New(fault.TLS, "the peer did not finish the handshake in time")
	case strings.Contains(text, "bad certificate"), strings.Contains(text, "unknown certificate"),
		strings.Contains(text, "certificate required"):
		return fault.Mend(fault.Trust, "the peer does not trust this node's certificate",
			"on the peer: xmpp cluster trust <bundle with this node's certificate or its CA>")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fault.New(fault.TLS, "the peer closed the connection during the handshake")
	}
	return fault.New(fault.TLS, "the TLS handshake failed: "+text)
}

func writeJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding peer message: %w", err)
	}
	_, err = w.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}

func readJSON(r io.Reader, limit uint32, v any) error {
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return err
	}
	size := binary.LittleEndian.Uint32(n[:])
	if size > limit {
		return fault.New(fault.TLS, "the peer's message is too long")
	}
	var b bytes.Buffer // grows with what comes, not with what is announced
	if _, err := io.CopyN(&b, r, int64(size)); err != nil {
		return err
	}
	if err := json.Unmarshal(b.Bytes(), v); err != nil {
		return fault.New(fault.TLS, "the peer's message is malformed")
	}
	return nil
}
