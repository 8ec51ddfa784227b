package password

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/signin"
)

// Account is the administrator's.
const Account = "admin"

// Files are where a node keeps what this package looks at and writes.
type Files struct {
	Shadow  string // shadow(5)
	Recover string // there while recovery was asked for at this boot
	SSH     string // sshd_config(5) drop-in that lets sshd ask for passwords
	SignIn  string // socket of signin, whose sessions end with the old password
}

// System returns the places of a node.
func System() Files {
	return Files{Shadow: "/etc/shadow", Recover: "/run/quorate/recover", SSH: "/etc/ssh/sshd_config.d/20-password.conf", SignIn: signin.Socket}
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

// OpenSSH lets sshd ask for passwords, whatever name is given: asking people alone
// would tell who is one. Who has none is not let in by one: nothing matches the
// field. Root is not let in by any (PermitRootLogin).
func (f Files) OpenSSH() error {
	const text = "# Written when the first account got a password.\nPasswordAuthentication yes\n"
	if err := os.MkdirAll(filepath.Dir(f.SSH), 0o755); err != nil {
		return fmt.Errorf("letting sshd take the password: %w", err)
	}
	if err := atomicfile.Replace(f.SSH, []byte(text), 0o644); err != nil {
		return fmt.Errorf("letting sshd take the password: %w", err)
	}
	return nil
}

// StoreHash gives the account a password by its hash.
func StoreHash(ctx context.Context, hash string) error {
	return chpasswd(ctx, Account, hash, "--encrypted")
}

func store(ctx context.Context, password string) error { return Store(ctx, Account, password) }

// Store gives an account a password; it is hashed as the system hashes
// (yescrypt). It goes by standard input, where no list of processes shows it.
func Store(ctx context.Context, account, password string) error {
	// Without PAM, whose rules are those of a person who changes her own.
	return chpasswd(ctx, account, password, "--crypt-method", "YESCRYPT")
}

// authErr is how unix_chkpwd(8) ends when the password is another (PAM_AUTH_ERR).
const authErr = 7

// Right returns a fault.NotPermitted when the password is not that of the account.
// PAM's own helper compares: it takes the password by standard input, up to a NUL.
func Right(ctx context.Context, account, password string) error {
	cmd := exec.CommandContext(ctx, "/usr/sbin/unix_chkpwd", account, "nonull")
	cmd.Stdin = strings.NewReader(password + "\x00")
	err := cmd.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() == authErr {
		return fault.Mend(fault.NotPermitted, "this is not your current password",
			"type it again; if it is lost, another administrator sets one, or the console after a start with quorate.recover=1")
	}
	if err != nil {
		return fmt.Errorf("checking the password of %s: %w", account, err)
	}
	return nil
}

func chpasswd(ctx context.Context, account, value string, options ...string) error {
	cmd := exec.CommandContext(ctx, "/usr/sbin/chpasswd", options...)
	cmd.Stdin = strings.NewReader(account + ":" + value + "\n")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("setting the password of %s: %w: %s", account, err, strings.TrimSpace(complaint.String()))
	}
	return nil
}
