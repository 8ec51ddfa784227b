package image

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"quorate.org/daemon/internal/lab"
)

// A colleague gets an account, which its password and its key open and ten wrong
// passwords close for a while; what an operator must not do is refused; evicted, the
// person is out; deleted, nothing of the account is left.
func TestM4_6_Colleague(t *testing.T) {
	began := time.Now()
	_, n := one(t)
	const right = "correct horse 3"
	admin := func(command string, answers ...string) string {
		t.Helper()
		out, err := n.Exec(t.Context(), command, answers...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return out
	}
	admin(`banner set "Property of Example Ltd."`)
	admin("user add bob operator", right, right)
	bob := person{t, n, "bob"}
	said, banner, err := bob.runs("version", ssh.Password(right))
	if err != nil || !strings.Contains(said, "Quorate") || !strings.Contains(banner, "Property of Example Ltd.") {
		t.Fatalf("signed in by password: %v, banner %q, version %q", err, banner, said)
	}
	if said, _, err := bob.runs("user add eve admin --keys-only", ssh.Password(right)); err == nil || !strings.Contains(said, "administrator") {
		t.Errorf("an operator adds an account: %v %s", err, said)
	}

	_, private, err := ed25519.GenerateKey(nil)
	must(t, err)
	key, err := ssh.NewSignerFromSigner(private)
	must(t, err)
	admin("ssh-key add bob " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey()))) + " bob@example.com")
	bob.lockedOut(right)
	if _, _, err := bob.runs("version", ssh.PublicKeys(key)); err != nil {
		t.Errorf("the key of an account that is locked for passwords: %v", err)
	}
	admin("user unlock bob")
	if _, _, err := bob.runs("version", ssh.Password(right)); err != nil {
		t.Errorf("unlocked: %v", err)
	}

	var client *ssh.Client
	must(t, lab.Wait(t.Context(), 2*time.Minute, "sshd to listen to bob", func() error {
		client, _, err = bob.signIn(ssh.PublicKeys(key))
		return err
	}))
	defer client.Close()
	admin("user evict bob")
	ended := make(chan error, 1)
	go func() { ended <- client.Wait() }()
	select {
	case <-ended:
	case <-time.After(slowLink):
		t.Error("evicted, the person is in still")
	}
	admin("user del bob --yes")
	if left := rooted(t, n, "getent passwd bob; ls -d /home/bob /etc/ssh/authorized_keys.d/bob 2>/dev/null; true"); left != "" {
		t.Errorf("of the deleted account there is left: %s", left)
	}
	if _, _, err := bob.runs("version", ssh.PublicKeys(key)); err == nil {
		t.Error("a deleted account signs in")
	}
	admin("timezone Europe/Vienna")
	if got := strings.TrimSpace(rooted(t, n, "readlink /etc/localtime; date -d 2026-07-01 +%Z")); !strings.HasSuffix(got, "Europe/Vienna\nCEST") {
		t.Errorf("the time zone is %s", got)
	}
	admin("keyboard de")
	admin("timezone UTC")
	admin("banner del")
	if failed := rooted(t, n, "systemctl --failed --no-legend --plain"); failed != "" {
		t.Errorf("failed units:\n%s", failed)
	}
	t.Logf("M4.6 an operator added, signed in by password and key, shut out by wrong passwords and unlocked, evicted, deleted; banner, time zone and keyboard set: %.0f s", time.Since(began).Seconds())
}

// recovered sets a new password of admin at the console of a node that was started
// to recover from a lost one. It is taken over SSH, the journal tells of it, and the
// console asks no more. Then the password is the lab's again.
func recovered(t *testing.T, n *lab.Node) {
	t.Helper()
	const chosen = "correct horse 4"
	began := time.Now()
	onSerial(t, n, regexp.MustCompile(`Set a new password for admin: press Enter\.`))
	must(t, n.TypeSerial(t.Context(), "\r"+chosen+"\r"+chosen+"\r"))
	onSerial(t, n, regexp.MustCompile(`The password of admin is set; SSH and Web Admin take it\.`))
	admin := person{t, n, "admin"}
	if _, _, err := admin.runs("version", ssh.Password(chosen)); err != nil {
		t.Errorf("the new password of admin: %v", err)
	}
	rooted(t, n, "journalctl --boot --quiet --no-pager --grep='the password of admin was set at the console'")
	onSerial(t, n, regexp.MustCompile(`Enter: sign in`))
	_, err := n.Exec(t.Context(), "passwd", chosen, lab.Password, lab.Password)
	must(t, err)
	t.Logf("M4.6 a lost password: %s started to recover, a new one set at its console, taken over SSH: %.0f s", n.Name(), time.Since(began).Seconds())
}

// onSerial waits until a node's console shows words on the serial line.
func onSerial(t *testing.T, n *lab.Node, words *regexp.Regexp) {
	t.Helper()
	must(t, lab.Wait(t.Context(), time.Minute, "the console of "+n.Name(), func() error {
		text, err := os.ReadFile(filepath.Join(n.Dir(), "serial.log"))
		if err != nil {
			return err
		}
		if lines := shown(string(text)); !words.MatchString(strings.Join(strings.Fields(strings.Join(lines, " ")), " ")) {
			return fmt.Errorf("it does not say %q, but\n%s", words, strings.Join(lines, "\n"))
		}
		return nil
	}))
}

// person signs in over SSH.
type person struct {
	t    *testing.T
	n    *lab.Node
	name string
}

// signIn opens a connection and returns what sshd showed before.
func (p person) signIn(how ...ssh.AuthMethod) (client *ssh.Client, banner string, err error) {
	conn, err := p.n.Lab().Dial(p.t.Context(), "tcp", net.JoinHostPort(p.n.Addr(), "22"))
	if err != nil {
		return nil, "", err
	}
	_ = conn.SetDeadline(time.Now().Add(slowLink)) // a connection that has ended tells when it is read
	c, channels, requests, err := ssh.NewClientConn(conn, p.n.Name(), &ssh.ClientConfig{User: p.name, Auth: how, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		BannerCallback: func(text string) error { banner = text; return nil }})
	if err != nil {
		conn.Close()
		return nil, banner, err
	}
	return ssh.NewClient(c, channels, requests), banner, nil
}

// runs signs in, again while sshd keeps out an address that failed, and runs a
// command.
func (p person) runs(command string, how ...ssh.AuthMethod) (out, banner string, err error) {
	p.t.Helper()
	var client *ssh.Client
	must(p.t, lab.Wait(p.t.Context(), 2*time.Minute, "sshd to listen to "+p.name, func() error {
		client, banner, err = p.signIn(how...)
		if keptOut(err) {
			return err
		}
		return nil
	}))
	if err != nil {
		return "", banner, err
	}
	defer client.Close()
	session, err := client.NewSession()
	must(p.t, err)
	said, err := session.CombinedOutput(command)
	return string(said), banner, err
}

// keptOut says whether sshd hung up before it said who it is, or is reading its
// settings anew, as it does behind the first password.
func keptOut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.ECONNREFUSED) ||
		err != nil && strings.Contains(err.Error(), "reset by peer") // of x/crypto/ssh, which wraps no cause
}

// lockedOut gives wrong passwords until the account is said to be locked.
func (p person) lockedOut(right string) {
	p.t.Helper()
	wrong := ssh.RetryableAuthMethod(ssh.PasswordCallback(func() (string, error) { return "wrong horse", nil }), 4)
	must(p.t, lab.Wait(p.t.Context(), 4*time.Minute, p.name+" to be locked out", func() error {
		if _, _, err := p.signIn(wrong); err == nil {
			p.t.Fatal("a wrong password is taken")
		}
		if said := rooted(p.t, p.n, "journalctl --boot --quiet --no-pager --output=cat --grep='user "+p.name+" account temporarily locked' || true"); said == "" {
			return errors.New("pam_faillock tells of no lock")
		}
		return nil
	}))
	if _, _, err := p.runs("version", ssh.Password(right)); err == nil {
		p.t.Error("the account is locked, and its password opens it")
	}
}
