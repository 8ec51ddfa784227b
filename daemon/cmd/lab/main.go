// Command lab runs three nodes on this machine, as virtual machines or as
// processes, and plays the acceptance walkthrough on them. See scripts/lab.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"quorate.org/daemon/internal/lab"
)

const usage = `usage: scripts/lab <command>

  up [--local] [--three-certs] [--empty]
                       make three nodes and play the walkthrough on them:
                       virtual machines, or with --local processes in network
                       namespaces; one shared certificate, or one for each;
                       --empty stops before the walkthrough
  status               what each node says of the cluster
  ssh <node> [command] the node's command line, or one command of it
  web <node>           bring its Web Admin to a port of this machine
  kill <node>          cut the node's power
  start <node>         switch it on again
  down                 stop everything and remove it
`

var errUsage = errors.New("that is no command of the lab")

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:])
	cancel()
	var exit *exec.ExitError
	switch {
	case len(os.Args) > 1 && os.Args[1] == "ssh" && errors.As(err, &exit) && exit.ExitCode() > 0:
		os.Exit(exit.ExitCode())
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, "lab: ", err, "\n", usage)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	dir := os.Getenv("QUORATE_LAB")
	if dir == "" {
		dir = ".lab"
	}
	command, args := args[0], args[1:]
	switch command {
	case "up":
		return up(ctx, dir, args)
	case "down":
		return lab.Remove(ctx, lab.Config{Dir: dir})
	}
	l, err := lab.Open(dir)
	if err != nil {
		return fmt.Errorf("%w; `scripts/lab up` makes one", err)
	}
	if command == "status" {
		return status(ctx, l)
	}
	if len(args) == 0 {
		return errUsage
	}
	n := l.Node(args[0])
	if n == nil {
		return fmt.Errorf("there is no node %s; they are cb1, cb2 and cb3", args[0])
	}
	switch command {
	case "ssh":
		argv := n.SSH(args[1:]...)
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		return cmd.Run()
	case "web":
		return web(ctx, l, n)
	case "kill":
		return n.Kill(ctx)
	case "start":
		return n.Start(ctx)
	}
	return errUsage
}

func up(ctx context.Context, dir string, args []string) error {
	for _, a := range args {
		if !slices.Contains([]string{"--local", "--three-certs", "--empty"}, a) {
			return fmt.Errorf("%w: up does not know %s", errUsage, a)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	cfg := lab.Config{
		Name: "lab", Dir: dir, Local: slices.Contains(args, "--local"), Log: os.Stdout,
		Bin: filepath.Dir(self), Image: os.Getenv("QUORATE_IMAGE"),
	}
	began := time.Now()
	l, err := lab.Create(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Println("Starting three nodes …")
	if err := l.Start(ctx); err != nil {
		return err
	}
	if !slices.Contains(args, "--empty") {
		variant := lab.Shared
		if slices.Contains(args, "--three-certs") {
			variant = lab.Three
		}
		if err := l.Walkthrough(ctx, variant); err != nil {
			return err
		}
		if err := l.WaitHealthy(ctx, 20*time.Second); err != nil {
			return err
		}
	}
	fmt.Printf("\nThe lab is up after %.0f s.\n", time.Since(began).Seconds())
	return status(ctx, l)
}

func status(ctx context.Context, l *lab.Lab) error {
	for _, n := range l.Nodes() {
		fmt.Printf("\n%s  %s  (scripts/lab ssh %s)\n", n.Name(), n.Addr(), n.Name())
		out, err := n.Exec(ctx, "xmpp cluster status")
		if err != nil {
			out = "does not answer: " + err.Error()
		}
		fmt.Println(strings.TrimRight(out, "\n"))
	}
	return nil
}
