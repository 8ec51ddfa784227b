package screen

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"strings"

	"quorate.org/daemon/keypair"
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

// presented returns the fingerprint of the certificate that Web Admin presents,
// in lines of 16 bytes; nothing when it does not answer.
func presented(ctx context.Context, v settings.Values) []string {
	addresses, err := netif.WebAdmin(v)
	if err != nil || len(addresses) == 0 {
		return nil
	}
	f, err := keypair.Presented(ctx, addresses[0])
	if err != nil {
		return nil
	}
	half := len(f) / 2 // a colon
	return []string{"SHA-256 " + f[:half+1], f[half+1:]}
}
