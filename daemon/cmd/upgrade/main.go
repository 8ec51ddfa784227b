// Package upgrade does one thing to the versions on this machine and ends. Its
// argument says what: "status" looks and tells, "proven" does so once more when a
// version on trial has got its final name, "check" waits until this version has
// come up, "rollback" makes the other version start, and the name of an update in
// the exchange folder installs that. systemd starts it as quorate-upgrade@ and
// quorate-boot-check.
package upgrade

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/service"
	"quorate.org/daemon/update"
	"quorate.org/daemon/upgrade"
)

// patience is how long a version may take to come up after the first start of
// every service was tried.
const patience = 90 * time.Second

// Main is the whole program.
func Main() {
	log := journal.New("upgrade", slog.LevelInfo)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, log, os.Args[1:]); err != nil {
		log.Error(err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: upgrade status | proven | check | rollback | <file>")
	}
	if args[0] == "check" {
		return check(ctx, log)
	}
	m, err := machine(log)
	if err != nil {
		return err
	}
	switch args[0] {
	case "status", "proven":
		return m.Look()
	case "rollback":
		return m.Rollback()
	}
	return m.Install(ctx, args[0])
}

func check(ctx context.Context, log *slog.Logger) error {
	conn, err := bus.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if err := upgrade.Await(ctx, conn.Machine().Units); err != nil {
		return err
	}
	log.Info("this version has come up")
	return nil
}

func machine(log *slog.Logger) (*upgrade.Machine, error) {
	version, err := running()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(upgrade.KeysPath)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of updates: %w", err)
	}
	keys, err := update.Keys(text)
	if err != nil {
		return nil, err
	}
	return &upgrade.Machine{Version: version, Images: images(), Exchange: service.Exchange(), Work: service.State("upgrade"),
		Report: upgrade.ReportPath, Keys: keys, Write: upgrade.Sysupdate, Log: log}, nil
}

// running reads the version from os-release(5).
func running() (string, error) {
	f, err := os.Open("/usr/lib/os-release")
	if err != nil {
		return "", fmt.Errorf("reading which version runs: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), "IMAGE_VERSION="); ok {
			return strings.Trim(v, `"'`), nil
		}
	}
	return "", errors.New("reading which version runs: os-release has no IMAGE_VERSION")
}

// images returns the folder of kernel images where systemd mounts the EFI system
// partition, or "" on a machine that was started without it.
func images() string {
	for _, root := range []string{"/efi", "/boot"} {
		if folder := root + "/EFI/Linux"; isFolder(folder) {
			return folder
		}
	}
	return ""
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
