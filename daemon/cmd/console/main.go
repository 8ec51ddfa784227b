// Package console is the screen on a terminal of the machine, its standard input
// and output. It ends well when a person wants to sign in. It has no flags.
package console

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/password"
	"quorate.org/daemon/screen"
)

// Main is the whole program.
func Main() {
	mode, err := unix.IoctlGetTermios(int(os.Stdin.Fd()), unix.TCGETS)
	if err != nil {
		fmt.Fprintln(os.Stderr, "there is no terminal:", err)
		os.Exit(1)
	}
	if err := run(*mode); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "the console ends:", err)
		os.Exit(1)
	}
}

// run has the terminal give every key at once and echo none, until it ends.
func run(mode unix.Termios) error {
	keys := mode
	keys.Lflag &^= unix.ICANON | unix.ECHO | unix.ISIG | unix.IEXTEN
	keys.Iflag &^= unix.IXON
	keys.Cc[unix.VMIN], keys.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(os.Stdin.Fd()), unix.TCSETS, &keys); err != nil {
		return fmt.Errorf("setting the terminal: %w", err)
	}
	defer func() { _ = unix.IoctlSetTermios(int(os.Stdin.Fd()), unix.TCSETSF, &mode) }() // the login sets its own
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	n := &screen.Node{Socket: password.Socket}
	defer n.Close()
	c := &screen.Console{
		In: os.Stdin, Out: os.Stdout, Look: n.Look, Wait: 10 * time.Second,
		Set:  func(ctx context.Context, p string) error { return password.Set(ctx, password.Socket, p) },
		Keys: setKeyboard,
	}
	if err := c.Run(ctx); err != nil {
		return err
	}
	fmt.Print("\x1b[H\x1b[2J") // an empty screen for the login
	return nil
}

// setKeyboard has the configuration service set the layout of the keyboard.
func setKeyboard(ctx context.Context, layout string) error {
	conn, err := bus.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Config().SetKeyboard(ctx, layout)
}
