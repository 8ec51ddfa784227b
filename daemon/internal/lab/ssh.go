package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// execLimit is longer than the longest command, a join, may take (30 s). A caller
// whose context has a deadline of its own knows better.
const execLimit = 45 * time.Second

// sshKey is the private key of the lab's administrator; .pub lies beside it.
func (l *Lab) sshKey() string { return filepath.Join(l.cfg.Dir, "admin_key") }

func (l *Lab) knownHosts() string { return filepath.Join(l.cfg.Dir, "known_hosts") }

func (l *Lab) sshConfig() string { return filepath.Join(l.cfg.Dir, "ssh_config") }

// writeSSHConfig makes the file with which `ssh -F` finds nodes by name. Host
// keys are taken as they come the first time and compared from then on. One
// connection to each node is kept and shared, which makes a command ten times
// as fast; it is dropped when the node is killed.
func (l *Lab) writeSSHConfig() error {
	var b strings.Builder
	for _, n := range l.nodes {
		fmt.Fprintf(&b, "Host %s\n  HostName %s\n  User %s\n", n.name, n.addr, n.sshUser())
	}
	fmt.Fprintf(&b, "Host *\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n", l.sshKey(), l.knownHosts())
	b.WriteString("  StrictHostKeyChecking accept-new\n  HashKnownHosts no\n  LogLevel ERROR\n  ConnectTimeout 5\n  BatchMode yes\n  ServerAliveInterval 5\n  ServerAliveCountMax 3\n")
	fmt.Fprintf(&b, "  ControlMaster auto\n  ControlPersist yes\n  ControlPath %s\n", filepath.Join("/run", l.net.name, "ssh-%n-%r"))
	if err := os.WriteFile(l.sshConfig(), []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("writing the SSH configuration: %w", err)
	}
	return nil
}

// hangUp drops the shared connections to a node.
func (n *Node) hangUp(ctx context.Context) {
	for _, user := range []string{"root", "admin", "operator"} {
		_, _ = run(ctx, "ssh", "-F", n.lab.sshConfig(), "-O", "exit", "-l", user, n.name) // there may be none
	}
}

// ForgetHostKey drops the connections to a node and the key it was known by: what
// it has written is gone, its host key with it.
func (n *Node) ForgetHostKey(ctx context.Context) error {
	n.hangUp(ctx)
	_, err := run(ctx, "ssh-keygen", "-q", "-R", n.addr, "-f", n.lab.knownHosts())
	return err
}

// keygen makes an Ed25519 key pair if the file is not there yet.
func keygen(ctx context.Context, file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	_, err := run(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", file)
	return err
}

// SSH returns the command line that opens the node's command line, or runs
// command there, from the lab's end of the segment.
func (n *Node) SSH(command ...string) []string {
	return append([]string{"ip", "netns", "exec", n.lab.net.name, "ssh", "-F", n.lab.sshConfig(), n.name}, command...)
}

// Exec runs one command on the node over SSH and returns everything it wrote.
// The error is non-nil when the exit status is not 0; Failed tells that apart
// from a connection that failed. Answers are lines given to its prompts.
func (n *Node) Exec(ctx context.Context, command string, answers ...string) (string, error) {
	return n.exec(ctx, n.SSH(command), command, answers)
}

// ExecAs is Exec in the name of another account: admin, or on a local node
// operator or root.
func (n *Node) ExecAs(ctx context.Context, user, command string, answers ...string) (string, error) {
	argv := []string{"ip", "netns", "exec", n.lab.net.name, "ssh", "-F", n.lab.sshConfig(), "-l", user, n.name, command}
	return n.exec(ctx, argv, command, answers)
}

// Console is Exec for a node that is cut off: the SSH client runs on the node
// itself, where a person would sit at its console. Local nodes only.
func (n *Node) Console(ctx context.Context, command string, answers ...string) (string, error) {
	argv := []string{"ip", "netns", "exec", n.lab.net.name + "-" + n.name, "ssh", "-F", n.lab.sshConfig(), "-o", "ControlPath=none", n.name, command}
	return n.exec(ctx, argv, command, answers)
}

func (n *Node) exec(ctx context.Context, argv []string, command string, answers []string) (string, error) {
	if _, own := ctx.Deadline(); !own {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, execLimit)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	if len(answers) > 0 {
		cmd.Stdin = strings.NewReader(strings.Join(answers, "\n") + "\n")
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if err != nil {
		return out.String(), fmt.Errorf("%s> %s: %w: %s", n.name, command, err, strings.TrimSpace(out.String()))
	}
	return out.String(), nil
}

// Failed reports whether err is a command's own refusal: it ran and said no.
// OpenSSH's client keeps exit status 255 for its own failures.
func Failed(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() > 0 && exit.ExitCode() != 255
}

// Put uploads data under a name in the exchange folder by SFTP.
func (n *Node) Put(ctx context.Context, name string, data []byte) error {
	tmp, err := os.MkdirTemp("", "quorate-put-")
	if err != nil {
		return fmt.Errorf("making a temporary directory: %w", err)
	}
	defer os.RemoveAll(tmp)
	file := filepath.Join(tmp, "f")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return fmt.Errorf("writing the upload: %w", err)
	}
	_, err = n.SFTP(ctx, fmt.Sprintf("put %s %s", file, name))
	return err
}

// Get downloads a file of the exchange folder by SFTP.
func (n *Node) Get(ctx context.Context, name string) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "quorate-get-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary directory: %w", err)
	}
	defer os.RemoveAll(tmp)
	file := filepath.Join(tmp, "f")
	if _, err := n.SFTP(ctx, fmt.Sprintf("get %s %s", name, file)); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// SFTP runs OpenSSH's sftp with a batch of its commands and returns what it
// printed; any command that fails ends the batch with an error.
func (n *Node) SFTP(ctx context.Context, commands ...string) (string, error) {
	argv := []string{"ip", "netns", "exec", n.lab.net.name, "sftp", "-F", n.lab.sshConfig(), "-b", "-", n.name}
	return n.exec(ctx, argv, "sftp", commands)
}
