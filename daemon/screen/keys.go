package screen

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"quorate.org/daemon/netif"
	"quorate.org/daemon/settings"
)

// hostKey is the fingerprint of a public SSH key as ssh(1) shows it; empty while
// there is none.
func hostKey(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return ""
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(blob)
	kind := strings.ToUpper(strings.TrimPrefix(fields[0], "ssh-"))
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]) + " (" + kind + ")"
}

// webAddress is where Web Admin answers on this machine; empty when it listens
// nowhere.
func webAddress(v settings.Values) string {
	port := strconv.Itoa(v.Web.Port)
	if len(v.Web.Listen) == 0 {
		return net.JoinHostPort("127.0.0.1", port)
	}
	addrs, err := netif.Addrs(v.Web.Listen, v.Network.Interfaces, "webadmin listen")
	if err != nil || len(addrs) == 0 {
		return ""
	}
	return net.JoinHostPort(addrs[0].String(), port)
}

// presented returns the fingerprint of the certificate at an address, in lines
// of 16 bytes; nothing when it does not answer. Nothing is sent there, so it need
// not be trusted.
func presented(ctx context.Context, address string) []string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // enough for an address of this machine
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil
	}
	defer c.Close()
	sum := sha256.Sum256(c.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw) // a server always has one
	return []string{"SHA-256 " + pairs(sum[:16]) + ":", pairs(sum[16:])}
}

func pairs(b []byte) string {
	out := make([]string, len(b))
	for i, x := range b {
		out[i] = fmt.Sprintf("%02X", x)
	}
	return strings.Join(out, ":")
}
