package mesh

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// signed is a hello as a node of that identity says it on a connection.
func signed(t *testing.T, conn *tls.Conn, id *Identity, cluster string) hello {
	t.Helper()
	b, err := binding(conn, false, cluster)
	if err != nil {
		t.Fatal(err)
	}
	return hello{Version: "test", Speaks: Spoken, Cluster: cluster, Key: id.Public(), Name: "x", Sig: ed25519.Sign(id.key, b)}
}

// answered is what the other side says to a hello.
func answered(t *testing.T, conn *tls.Conn, h hello) hello {
	t.Helper()
	if err := writeJSON(conn, h); err != nil {
		t.Fatal(err)
	}
	var a hello
	if err := readJSON(conn, maxHello, &a); err != nil {
		t.Fatalf("no answer to the hello: %v", err)
	}
	return a
}

func TestHelloRefusals(t *testing.T) {
	ids := identities(4)
	self, member, removed, stranger := ids[0], ids[1], ids[2], ids[3]
	p := newPeer(t, self).listen()
	p.SetMembership(&Membership{ClusterID: "cluster", Removed: map[string]bool{removed.ID: true},
		Peers: map[string]Peer{member.ID: {ID: member.ID, Name: "m", Key: member.Public(), Addr: "127.0.93.200", Port: 1}}})
	replayed := signed(t, greeting(t, p, protoRaft), member, "cluster")
	for _, c := range []struct {
		name, proto string
		say         func(conn *tls.Conn) hello
		code        fault.Code
		text        string
	}{
		{"stranger", protoStanza, func(c *tls.Conn) hello { return signed(t, c, stranger, "cluster") }, fault.NotPermitted, "is no member"},
		{"stranger without a cluster", protoStanza, func(c *tls.Conn) hello { return signed(t, c, stranger, "") }, fault.WrongState, "another cluster"},
		{"stranger on raft", protoRaft, func(c *tls.Conn) hello { return signed(t, c, stranger, "cluster") }, fault.NotPermitted, "is no member"},
		{"member of another cluster", protoStanza, func(c *tls.Conn) hello { return signed(t, c, member, "other") }, fault.WrongState, "another cluster"},
		{"newer", protoStanza, func(c *tls.Conn) hello {
			h := signed(t, c, member, "cluster")
			h.Speaks = Speech{Least: Spoken.Most + 1, Most: Spoken.Most + 2}
			return h
		}, fault.Version, "do not understand each other"},
		{"older, on control", protoControl, func(c *tls.Conn) hello {
			h := signed(t, c, stranger, "")
			h.Speaks = Speech{}
			return h
		}, fault.Version, "do not understand each other"},
		{"removed", protoStanza, func(c *tls.Conn) hello { return signed(t, c, removed, "cluster") }, fault.NotPermitted, "was removed"},
		{"removed, on control", protoControl, func(c *tls.Conn) hello { return signed(t, c, removed, "cluster") }, fault.NotPermitted, "was removed"},
		{"own ID", protoStanza, func(c *tls.Conn) hello { return signed(t, c, self, "cluster") }, fault.Cloned, "in use by two machines"},
		{"own ID, on control", protoControl, func(c *tls.Conn) hello { return signed(t, c, self, "") }, fault.Cloned, "in use by two machines"},
		{"replayed", protoRaft, func(*tls.Conn) hello { return replayed }, fault.Trust, "does not hold the node key"},
		{"forged", protoStanza, func(c *tls.Conn) hello {
			h := signed(t, c, stranger, "cluster")
			h.Key = member.Public()
			return h
		}, fault.Trust, "does not hold the node key"},
		{"signed for another cluster", protoStanza, func(c *tls.Conn) hello {
			h := signed(t, c, member, "other")
			h.Cluster = "cluster"
			return h
		}, fault.Trust, "does not hold the node key"},
		{"signed as a server", protoStanza, func(c *tls.Conn) hello {
			b, _ := binding(c, true, "cluster")
			h := signed(t, c, member, "cluster")
			h.Sig = ed25519.Sign(member.key, b)
			return h
		}, fault.Trust, "does not hold the node key"},
		{"short key", protoStanza, func(c *tls.Conn) hello {
			h := signed(t, c, member, "cluster")
			h.Key = h.Key[:31]
			return h
		}, fault.Trust, "does not hold the node key"},
		{"no signature", protoStanza, func(c *tls.Conn) hello {
			h := signed(t, c, member, "cluster")
			h.Sig = nil
			return h
		}, fault.Trust, "does not hold the node key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := greeting(t, p, c.proto)
			a := answered(t, conn, c.say(conn))
			if a.Refused == nil {
				t.Fatal("it was let in")
			}
			wantFault(t, a.Refused, c.code, c.text)
			if len(a.Key) != 0 || a.Cluster != "" {
				t.Errorf("a refused peer learns %+v", a)
			}
			if n, err := conn.Read(make([]byte, 1)); err == nil {
				t.Errorf("%d more bytes came", n)
			}
		})
	}
	text := p.log.String()
	for _, id := range []journal.MessageID{journal.PeerRefused, journal.CloneSeen} {
		if !strings.Contains(text, string(id)) {
			t.Errorf("the journal has no event %s:\n%s", id, text)
		}
	}
	if len(p.events) > 0 {
		t.Errorf("the handler heard %q", <-p.events)
	}
}

// What is no hello ends the connection: too long, malformed, or never said.
func TestHelloMalformed(t *testing.T) {
	p := newPeer(t, NewIdentity())
	p.limit = 200 * time.Millisecond
	p.listen()
	for name, b := range map[string][]byte{
		"too long":  binary.LittleEndian.AppendUint32(nil, maxHello+1),
		"huge":      {0xff, 0xff, 0xff, 0xff},
		"malformed": append(binary.LittleEndian.AppendUint32(nil, 2), "no"...),
		"empty":     {0, 0, 0, 0},
	} {
		conn := greeting(t, p, protoStanza)
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
		var a hello
		if err := readJSON(conn, maxHello, &a); err != nil || a.Refused == nil || a.Refused.Code != fault.TLS {
			t.Errorf("%s: answered with %+v, %v", name, a, err)
		}
	}
	for name, conn := range map[string]io.Reader{"silent before TLS": dialRaw(t, p), "silent behind TLS": greeting(t, p, protoStanza)} {
		var a hello
		err := readJSON(conn, maxHello, &a)
		if err == nil && a.Refused == nil {
			t.Errorf("%s: answered with %+v", name, a)
		}
		if errors.Is(err, errTooLong) {
			t.Errorf("%s: the connection stays open", name)
		}
	}
}

// Certificates are judged by both sides, in words for both.
func TestUntrusted(t *testing.T) {
	a, b := newPeer(t, NewIdentity()), newPeer(t, NewIdentity()).listen()
	b.call = func(Caller, string, []byte) ([]byte, error) { return []byte("{}"), nil }
	b.trust.Store(fault.New(fault.Trust, "not in the bundle"))
	wantFault(t, a.CallAddress(t.Context(), b.addr, "x", nil, nil), fault.Trust, "the peer does not trust this node's certificate; on the peer: xmpp cluster trust")
	wantLogged(t, b, "not in the bundle")
	wantLogged(t, b, string(journal.PeerRefused))
	b.trust.Store(nil)
	a.trust.Store(fault.New(fault.CertificateName, "names nobody"))
	wantFault(t, a.CallAddress(t.Context(), b.addr, "x", nil, nil), fault.CertificateName, "names nobody")
	a.trust.Store(nil)
	if err := a.CallAddress(t.Context(), b.addr, "x", nil, nil); err != nil {
		t.Error(err)
	}
}

// A certificate that was renewed is shown in the next handshake.
func TestRenewedCertificate(t *testing.T) {
	p := newPeer(t, NewIdentity()).listen()
	for range 2 {
		p.cert.Store(certificate(t))
		got := greeting(t, p, protoControl).ConnectionState().PeerCertificates[0].Raw
		if !bytes.Equal(got, p.cert.Load().Certificate[0]) {
			t.Error("another certificate is shown")
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{"node-1": "node-1", "a\x1b[31mb\n\x07c": "a[31mbc", "ö\xffx": "öx", strings.Repeat("x", 20): "xxxxxxxxxx"} {
		if got := printable(in, 10); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

// FuzzReadJSON: no bytes make it panic, read past the message, or take what is
// too long.
func FuzzReadJSON(f *testing.F) {
	var b bytes.Buffer
	if err := writeJSON(&b, hello{Name: "a", Refused: fault.New(fault.TLS, "b")}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte{0xff, 0xff, 0, 0, '{'})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		var h hello
		err := readJSON(r, maxHello, &h)
		if err != nil {
			return
		}
		if n := binary.LittleEndian.Uint32(in); n > maxHello || r.Len() != len(in)-4-int(n) {
			t.Errorf("of %d bytes %d are left", len(in), r.Len())
		}
		printable(h.Name, 255)
	})
}
