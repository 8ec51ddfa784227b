package password

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"quorate.org/daemon/atomicfile"
)

// Account is the administrator's.
const Account = "admin"

// Files are where a node keeps what this package looks at and writes.
type Files struct {
	Shadow  string // shadow(5)
	Recover string // there while recovery was asked for at this boot
	SSH     string // sshd_config(5) drop-in that lets Account in by password
}

// System returns the places of a node.
func System() Files {
	return Files{Shadow: "/etc/shadow", Recover: "/run/quorate/recover", SSH: "/etc/ssh/sshd_config.d/20-password.conf"}
}

// Missing reads whether the account has no password.
func (f Files) Missing() (bool, error) {
	shadow, err := os.ReadFile(f.Shadow)
	if err != nil {
		return false, fmt.Errorf("looking whether %s has a password: %w", Account, err)
	}
	return Missing(string(shadow), Account), nil
}

// recovering says whether recovery was asked for at this boot.
func (f Files) recovering() bool {
	_, err := os.Lstat(f.Recover)
	return err == nil
}

// OpenSSH lets sshd ask the account for its password.
func (f Files) OpenSSH() error {
	text := fmt.Sprintf("# Written when %s got a password.\nMatch User %s\n    PasswordAuthentication yes\n", Account, Account)
	if err := os.MkdirAll(filepath.Dir(f.SSH), 0o755); err != nil {
		return fmt.Errorf("letting sshd take the password: %w", err)
	}
	if err := atomicfile.Replace(f.SSH, []byte(text), 0o644); err != nil {
		return fmt.Errorf("letting sshd take the password: %w", err)
	}
	return nil
}

// StoreHash gives the account a password by its hash.
func StoreHash(ctx context.Context, hash string) error { return chpasswd(ctx, hash, "--encrypted") }

// store gives the account a password; it is hashed as the system hashes
// (yescrypt). It goes by standard input, where no list of processes shows it.
func store(ctx context.Context, password string) error {
	// Without PAM, whose rules are those of a person who changes her own.
	return chpasswd(ctx, password, "--crypt-method", "YESCRYPT")
}

func chpasswd(ctx context.Context, value string, options ...string) error {
	cmd := exec.CommandContext(ctx, "/usr/sbin/chpasswd", options...)
	cmd.Stdin = strings.NewReader(Account + ":" + value + "\n")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("setting the password of %s: %w: %s", Account, err, strings.TrimSpace(complaint.String()))
	}
	return nil
}
