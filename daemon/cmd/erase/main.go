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

// The names the initrd knows (image/initrd/tree/usr/libexec/quorate/repart), and
// its link to the one partition that is this node's (90-quorate-root.rules):
// another disk may have one of the same name.
const (
	partition = "quorate-root"
	condemned = "quorate-erase"
	link      = "/dev/quorate/partition"
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
	path, err := diskOf(link, "/sys")
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
// in the folder of its disk. No name and no UUID is asked for: a clone has them too.
func diskOf(link, sys string) (string, error) {
	device, err := filepath.EvalSymlinks(link)
	if err != nil {
		return "", err
	}
	folder, err := filepath.EvalSymlinks(filepath.Join(sys, "class/block", filepath.Base(device)))
	if err != nil {
		return "", err
	}
	return "/dev/" + filepath.Base(filepath.Dir(folder)), nil
}
