package browser

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Kind is a browser.
type Kind string

// The browsers.
const (
	Chromium Kind = "chromium"
	Firefox  Kind = "firefox"
)

// executables are where Debian's packages put them.
var executables = map[Kind]string{Chromium: "/usr/bin/chromium", Firefox: "/usr/bin/firefox-esr"}

// Options say how a browser is started. The zero value is a browser in this
// network namespace, 1280 by 800, that trusts what its system trusts.
type Options struct {
	NetNS         string // a network namespace, as in ip-netns(8), whose loopback is up
	CA            []byte // PEM certificate of an authority to trust besides
	Width, Height int    // of the pages, pixels
	NoScript      bool   // JavaScript is switched off
	Dark          bool   // the person prefers dark colours
}

// stopTime is how long a browser may take to end by itself.
const stopTime = 10 * time.Second

//go:embed driver.cjs
var driver []byte

// Browser is a running browser.
type Browser struct {
	opts    Options
	version string
	dir     string // profile and driver
	cmd     *exec.Cmd
	said    bytes.Buffer // standard error; read when the process has ended

	mu    sync.Mutex // guards all below: one request at a time
	in    io.WriteCloser
	out   *answers
	calls int
	pages int
}

// Start starts a browser, which runs until Close. Should this process end
// without that, the driver notices and ends the browser too.
func Start(ctx context.Context, kind Kind, opts Options) (*Browser, error) {
	if opts.Width == 0 {
		opts.Width, opts.Height = 1280, 800
	}
	modules, err := modules()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "browser-")
	if err != nil {
		return nil, fmt.Errorf("making the browser's directory: %w", err)
	}
	b := &Browser{opts: opts, dir: dir}
	if err := b.prepare(ctx, kind); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := b.run(modules); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	err = b.tell("start", fields{
		"browser": kind, "executable": executables[kind], "profile": b.profile(),
		"width": opts.Width, "height": opts.Height, "noScript": opts.NoScript, "dark": opts.Dark,
	}, &b.version)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Version returns the browser's name and version.
func (b *Browser) Version() string { return b.version }

func (b *Browser) profile() string { return filepath.Join(b.dir, "profile") }

// run starts the driver.
func (b *Browser) run(modules string) error {
	argv := []string{"node", filepath.Join(b.dir, "driver.cjs")}
	if b.opts.NetNS != "" {
		argv = append([]string{"ip", "netns", "exec", b.opts.NetNS}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+b.dir, "NODE_PATH="+modules, "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=",
		"DBUS_SESSION_BUS_ADDRESS=disabled:", "DBUS_SYSTEM_BUS_ADDRESS=disabled:")
	cmd.Dir, cmd.Stderr = b.dir, &b.said
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting the driver: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("starting the driver: %w", err)
	}
	b.cmd, b.in, b.out = cmd, in, newAnswers(out)
	return nil
}

// Close ends the browser and removes its profile.
func (b *Browser) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd == nil {
		return nil // closed already
	}
	err := b.in.Close() // tells the driver to end
	// At SIGTERM the driver kills its browser.
	hurry := time.AfterFunc(stopTime, func() { _ = b.cmd.Process.Signal(syscall.SIGTERM) })
	defer hurry.Stop()
	kill := time.AfterFunc(2*stopTime, func() { _ = b.cmd.Process.Kill() })
	defer kill.Stop()
	b.out.drain()
	if ended := b.cmd.Wait(); ended != nil {
		err = errors.Join(err, fmt.Errorf("the driver ended with %w: %s", ended, &b.said))
	}
	b.cmd = nil
	return errors.Join(err, os.RemoveAll(b.dir))
}
