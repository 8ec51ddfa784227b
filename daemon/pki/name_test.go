package pki

import (
	"errors"
	"strings"
	"testing"

	"quorate.org/daemon/fault"
)

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{
		"xmpp.key": true, "xmpp.csr": true, "xmpp.cer": true, "xmpp.crt": true, "xmpp.pem": true,
		"xmpp.der": true, "xmpp.pfx": true, "xmpp.p12": true, "A-b_9.key": true,
		"": false, ".key": false, "xmpp": false, "xmpp.txt": false, "xmpp.KEY": false, "../xmpp.key": false,
		"a/b.key": false, "my cert.cer": false, "xmpp.cer.filepart": false, "a.b.cer": false, "é.cer": false,
		strings.Repeat("a", 64) + ".cer": true, strings.Repeat("a", 65) + ".cer": false, "x\x00.cer": false,
	} {
		err := CheckName(name)
		if (err == nil) != ok {
			t.Errorf("CheckName(%q) = %v, want ok %v", name, err, ok)
		}
		if err != nil && !errors.Is(err, &fault.Error{Code: fault.InvalidName}) {
			t.Errorf("CheckName(%q) is a %s", name, fault.CodeOf(err))
		}
	}
}
