package local

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// An upload that broke off is listed as incomplete and can not be used; sent
// again whole it can.
func TestM2_12_InterruptedUpload(t *testing.T) {
	l, n := joiner(t, true)
	cert, key, err := l.CA.Issue(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), lab.Domain)
	must(t, err)
	must(t, n.Put(t.Context(), "half.key", key))
	must(t, n.Put(t.Context(), "half.cer", cert[:len(cert)/2]))
	listed(t, n, "half.cer", "incomplete")
	typed(t, n, "xmpp domain "+lab.Domain)
	refused(t, n, "xmpp certs half.key half.cer ca.cer", "half.cer")
	must(t, n.Put(t.Context(), "half.cer", cert))
	listed(t, n, "half.cer", "ready")
	typed(t, n, "xmpp certs half.key half.cer ca.cer")
	t.Logf("M2.12 interrupted upload: incomplete and refused, then whole and used")
}

// WinSCP uploads name.filepart and renames it: the file is used after that.
func TestM2_12_FilepartRename(t *testing.T) {
	l, n := joiner(t, true)
	cert, _, err := l.CA.Issue(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), lab.Domain)
	must(t, err)
	must(t, n.Put(t.Context(), "win.cer.filepart", cert))
	out := typed(t, n, "pki list")
	must(t, wantf(!strings.Contains(line(out, "win.cer "), "ready"), "the part is taken for the file: %s", out))
	_, err = n.SFTP(t.Context(), "rename win.cer.filepart win.cer")
	must(t, err)
	listed(t, n, "win.cer", "ready")
	t.Logf("M2.12 .filepart and rename: %s", line(typed(t, n, "pki list"), "win.cer"))
}

// listed waits until pki list shows the file in that state.
func listed(t *testing.T, n *lab.Node, file, state string) {
	t.Helper()
	must(t, lab.Wait(t.Context(), 10*time.Second, file+" to be "+state, func() error {
		out, err := n.Exec(t.Context(), "pki list")
		return wantf(err == nil && strings.Contains(line(out, file), state), "pki list says %q, %v", line(out, file), err)
	}))
}

// line returns the line of text that begins with word.
func line(text, word string) string {
	for _, l := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(l)+" ", word) {
			return strings.Join(strings.Fields(l), " ")
		}
	}
	return ""
}

// SFTP sees one folder and nothing else of the system: "/" is that folder, and
// ".." above it is it again.
func TestM2_12_PathEscape(t *testing.T) {
	_, n := joiner(t, true)
	target := filepath.Join(t.TempDir(), "got")
	for _, command := range []string{
		"get /etc/passwd " + target, "get ../../../../../../etc/passwd " + target, "get ../state/xmppd/node.key " + target,
		"get /proc/self/environ " + target, "put /etc/hostname /tmp/quorate-escaped.cer", "put /etc/hostname /etc/quorate-escaped.cer",
		"symlink /etc/passwd link.cer", "ln /etc/passwd link.cer", "rm ../bus.conf", "mkdir /tmp/quorate-escaped",
	} {
		out, err := n.SFTP(t.Context(), command)
		must(t, wantf(err != nil, "sftp> %s: succeeded: %s", command, out))
		_, err = os.Stat(target)
		must(t, wantf(os.IsNotExist(err), "sftp> %s: brought something out", command))
	}
	_, err := n.SFTP(t.Context(), "put /etc/hostname ../inside.cer", "rename ../inside.cer ../../still-inside.cer", "ls /still-inside.cer")
	must(t, err)
	for _, escaped := range []string{"/tmp/quorate-escaped.cer", "/etc/quorate-escaped.cer", "/tmp/quorate-escaped", filepath.Join(n.Dir(), "inside.cer"), filepath.Join(n.Dir(), "still-inside.cer")} {
		_, err := os.Stat(escaped)
		must(t, wantf(os.IsNotExist(err), "%s was written", escaped))
	}
	t.Logf("M2.12 path escape: get /etc/passwd and nine more ways out are refused, .. leads nowhere")
}

// A certificate renewed under its name reaches new handshakes while the
// streams that are open stay.
func TestM2_12_Renewal(t *testing.T) {
	l := labtest.Cluster(t)
	n := l.Node("cb2")
	a, b := labtest.Component(t, l, "cb1", n), labtest.Client(t, l, "bob", n)
	before := serial(t, l, n)
	// A test before this one may have wiped the node that asked first; the key is on all.
	typed(t, n, "pki csr xmpp CN:meet.example subjectAltName:cb1.meet.example,cb2.meet.example,cb3.meet.example")
	csr, err := n.Get(t.Context(), "xmpp.csr")
	must(t, err)
	renewed, err := l.CA.Sign(csr)
	must(t, err)
	must(t, n.Put(t.Context(), "xmpp.cer", renewed))
	var after string
	must(t, lab.Wait(t.Context(), 15*time.Second, "the renewed certificate in a handshake", func() error {
		after = serial(t, l, n)
		return wantf(after != before, "it is still %s", after)
	}))
	got := make(chan struct{}, 1)
	b.Handle(func(elem []byte) {
		if bytes.Contains(elem, []byte("still here")) {
			got <- struct{}{}
		}
	})
	must(t, a.Send([]byte("<message from='"+a.JID+"' to='"+b.JID+"'><body>still here</body></message>")))
	select {
	case <-got:
	case <-a.Done():
		t.Fatalf("the component's stream ended: %v", a.Err())
	case <-b.Done():
		t.Fatalf("the client's stream ended: %v", b.Err())
	case <-time.After(10 * time.Second):
		t.Fatal("the old streams pass nothing")
	}
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	t.Logf("M2.12 renewal: serial %.8s… became %.8s… in new handshakes, two open streams stayed", before, after)
}

// serial returns the serial number of the certificate shown on 5223.
func serial(t *testing.T, l *lab.Lab, n *lab.Node) string {
	t.Helper()
	raw, err := l.Dial(t.Context(), "tcp", n.Addr()+":5223")
	must(t, err)
	conn := tls.Client(raw, labtest.TLS(l))
	defer conn.Close()
	must(t, conn.HandshakeContext(t.Context()))
	return fmt.Sprintf("%x", conn.ConnectionState().PeerCertificates[0].SerialNumber)
}
