// Package erase marks what this node has written for the next start to erase,
// before anything is read of it: the partition gets another name in the table of
// the disk. systemd starts it as quorate-erase, which then restarts the machine.
package erase

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"quorate.org/daemon/gpt"
	"quorate.org/daemon/journal"
)

// The names the initrd knows (image/initrd/tree/usr/libexec/quorate/repart).
const (
	partition = "quorate-root"
	condemned = "quorate-erase"
)

// Main is the whole program.
func Main() {
	log := journal.New("erase", slog.LevelInfo)
	if err := run(); err != nil {
		log.Error(err.Error())
		os.Exit(1)
	}
	log.Warn("this node is erased at its next start", journal.ID(journal.FactoryReset))
}

func run() error {
	path, err := diskOf("/dev/disk/by-partlabel/" + partition)
	if err != nil {
		return fmt.Errorf("finding the disk of this node: %w", err)
	}
	disk, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("opening the disk of this node: %w", err)
	}
	return errors.Join(gpt.Rename(disk, partition, condemned), disk.Close())
}

// diskOf returns the device that a partition is on. In sysfs the partition lies
// in the folder of its disk.
func diskOf(link string) (string, error) {
	device, err := filepath.EvalSymlinks(link)
	if err != nil {
		return "", err
	}
	folder, err := filepath.EvalSymlinks("/sys/class/block/" + filepath.Base(device))
	if err != nil {
		return "", err
	}
	return "/dev/" + filepath.Base(filepath.Dir(folder)), nil
}
