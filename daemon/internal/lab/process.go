package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// procs starts processes and remembers each by name in a pid file with the
// kernel's start time, so that a recycled pid is never signalled.
type procs struct {
	dir       string
	ephemeral bool
}

// spec is one process to start.
type spec struct {
	name   string   // of the pid file and log
	netns  string   // namespace to run in; empty is the machine's own
	argv   []string // program and arguments
	env    []string // added to a small fixed environment
	log    string   // file that standard output and error are appended to
	notify string   // path of a socket to wait on for READY=1; empty starts and returns
}

const readyTimeout = 20 * time.Second

// start starts s. With a notify socket it returns when the process says
// READY=1 (sd_notify(3)), has ended, or a time limit has passed.
func (p procs) start(ctx context.Context, s spec) error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return fmt.Errorf("making the process directory: %w", err)
	}
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", s.name, err)
	}
	defer log.Close()
	argv := s.argv
	if s.netns != "" {
		argv = append([]string{"ip", "netns", "exec", s.netns}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/root"}, s.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if p.ephemeral {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	var sock *net.UnixConn
	if s.notify != "" {
		_ = os.Remove(s.notify)
		if sock, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.notify, Net: "unixgram"}); err != nil {
			return fmt.Errorf("listening for the readiness of %s: %w", s.name, err)
		}
		defer sock.Close()
		if err := os.Chmod(s.notify, 0o777); err != nil { // the daemon's user tells it
			return fmt.Errorf("listening for the readiness of %s: %w", s.name, err)
		}
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+s.notify)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", s.name, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // reaps; ends with the process
	if err := p.remember(s.name, cmd.Process.Pid); err != nil {
		return err
	}
	if sock == nil {
		return nil
	}
	return awaitReady(ctx, s.name, sock, ended)
}

func awaitReady(ctx context.Context, name string, sock *net.UnixConn, ended <-chan error) error {
	ready := make(chan error, 1)
	_ = sock.SetReadDeadline(time.Now().Add(readyTimeout))
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := sock.Read(buf)
			if err != nil || bytes.Contains(buf[:n], []byte("READY=1")) {
				ready <- err
				return
			}
		}
	}()
	select {
	case err := <-ready:
		if err != nil {
			return fmt.Errorf("waiting for %s to be ready: %w", name, err)
		}
		return nil
	case err := <-ended:
		return fmt.Errorf("%s ended while starting: %v; its log says why", name, err)
	case <-ctx.Done():
		return fmt.Errorf("waiting for %s to be ready: %w", name, ctx.Err())
	}
}

func (p procs) file(name string) string { return filepath.Join(p.dir, name+".pid") }

func (p procs) remember(name string, pid int) error {
	line := fmt.Sprintf("%d %s\n", pid, startTime(pid))
	if err := os.WriteFile(p.file(name), []byte(line), 0o644); err != nil {
		return fmt.Errorf("remembering %s: %w", name, err)
	}
	return nil
}

// pid returns the pid of a remembered process that still runs, or 0.
func (p procs) pid(name string) int {
	data, err := os.ReadFile(p.file(name))
	if err != nil {
		return 0
	}
	pidText, start, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	pid, err := strconv.Atoi(pidText)
	if err != nil || start == "" || startTime(pid) != start {
		return 0
	}
	return pid
}

// startTime returns field 22 of /proc/<pid>/stat (proc(5)), or "" when the
// process has ended, a zombie included.
func startTime(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The command name, field 2, is in parentheses and may hold blanks.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" {
		return ""
	}
	return fields[19]
}

// signal sends sig to a remembered process. One that has ended is no error.
func (p procs) signal(name string, sig syscall.Signal) error {
	pid := p.pid(name)
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("sending %v to %s: %w", sig, name, err)
	}
	return nil
}

// stop sends sig and waits until the process is gone.
func (p procs) stop(ctx context.Context, name string, sig syscall.Signal) error {
	if err := p.signal(name, sig); err != nil {
		return err
	}
	return Wait(ctx, 15*time.Second, name+" to end", func() error {
		if pid := p.pid(name); pid != 0 {
			return fmt.Errorf("pid %d still runs", pid)
		}
		return nil
	})
}

// names returns the remembered processes, running or not.
func (p procs) names() []string {
	files, _ := filepath.Glob(filepath.Join(p.dir, "*.pid")) // the pattern is constant
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".pid"))
	}
	return names
}

// killAll kills every remembered process.
func (p procs) killAll(ctx context.Context) error {
	var errs []error
	for _, name := range p.names() {
		errs = append(errs, p.signal(name, syscall.SIGCONT), p.stop(ctx, name, syscall.SIGKILL))
	}
	return errors.Join(errs...)
}
