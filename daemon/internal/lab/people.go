package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"quorate.org/config"
)

// Password is that of the accounts admin, in group quorate-admin, and operator,
// in group quorate-operator. A virtual machine has only admin.
const Password = "correct horse 1"

// passwordHash is Password as `openssl passwd -6` makes it.
const passwordHash = "$6$quoratelab$jHT1LRDPZd0hlugGFgqokG7xzCsX1B7ir98xsVNamkYmLcm.qnuyYcd866832V1cPM/mXJyBu5k3mPp31ccDu1"

// Numbers of a local node's accounts: those of the image's sysusers.d, and
// operator's, whom an administrator would add.
const (
	adminUID, adminGID     = 800, 801
	operatorUID            = 807
	webUID, callbridgeUID  = 805, 806
	journalGID, sshUID     = 999, 998
	usersOfJournal         = "admin,operator,quorate-web"
	noLogin, loginShell    = "/usr/sbin/nologin", "/bin/sh"
	nobodyUID, nogroupName = 65534, "nogroup"
)

// machineFiles are what makes a namespace a machine of its own: accounts, PAM's
// services, the journal's settings and ID. `ip netns exec` binds each over /etc.
func machineFiles(netns, home string) map[string]string {
	id := sha256.Sum256([]byte(netns))
	return map[string]string{
		"passwd":                passwd(home),
		"group":                 group(),
		"shadow":                shadow(),
		"machine-id":            hex.EncodeToString(id[:16]) + "\n",
		"systemd/journald.conf": "[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\nRateLimitIntervalSec=0\nReadKMsg=no\nAudit=no\n",
		"pam.d/quorate-web":     config.SignIn,
		"pam.d/common-auth":     "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
		"pam.d/common-account":  "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\naccount requisite pam_deny.so\naccount required pam_permit.so\n",
		"pam.d/other":           "auth required pam_deny.so\naccount required pam_deny.so\n",
	}
}

func passwd(home string) string {
	var b strings.Builder
	for _, a := range []struct {
		name     string
		uid, gid int
		shell    string
	}{
		{"root", 0, 0, loginShell}, {"admin", adminUID, adminGID, loginShell}, {"operator", operatorUID, operatorUID, loginShell},
		{"quorate-web", webUID, webUID, noLogin}, {"quorate-callbridge", callbridgeUID, callbridgeUID, noLogin},
		{"sshd", sshUID, nobodyUID, noLogin}, {"nobody", nobodyUID, nobodyUID, noLogin},
	} {
		fmt.Fprintf(&b, "%s:x:%d:%d::%s:%s\n", a.name, a.uid, a.gid, filepath.Join(home, a.name), a.shell)
	}
	return b.String()
}

func group() string {
	return fmt.Sprintf("root:x:0:\nquorate-admin:x:%d:\nquorate-operator:x:802:operator\noperator:x:%d:\nquorate-web:x:%d:\nquorate-callbridge:x:%d:\nsystemd-journal:x:%d:%s\n%s:x:%d:\n",
		adminGID, operatorUID, webUID, callbridgeUID, journalGID, usersOfJournal, nogroupName, nobodyUID)
}

func shadow() string {
	return fmt.Sprintf("root:*:20000::::::\nadmin:%[1]s:20000::::::\noperator:%[1]s:20000::::::\n", passwordHash)
}

// people makes the homes of those who sign in, and writes the files of a local
// node that make it a machine of its own.
func (m *local) people() error {
	home := m.path("home")
	for name, owner := range map[string]int{"root": 0, "admin": adminUID, "operator": operatorUID} {
		dir := filepath.Join(home, name)
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chown(dir, owner, -1)); err != nil {
			return fmt.Errorf("making the home of %s: %w", name, err)
		}
	}
	for name, text := range machineFiles(m.netns, home) {
		path := filepath.Join("/etc/netns", m.netns, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making %s: %w", filepath.Dir(path), err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}
