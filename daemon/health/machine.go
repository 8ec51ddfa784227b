package health

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// When the machine is said to be short of something.
const (
	fullFrom  = 90 // percent of a file system in use
	shortFrom = 5  // percent of the memory that is still available
)

// machineFaults looks at what needs no service.
func machineFaults() []bus.Fault {
	return append(append(clockFaults(ReadClock()), diskFaults("/", "/var")...), memoryFaults("/proc/meminfo")...)
}

// clockFaults tells of a clock that nothing keeps right. A sandbox that keeps
// its process from the clock (seccomp's @clock) leaves nothing to say about it.
func clockFaults(c Clock, err error) []bus.Fault {
	switch {
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS):
		return nil
	case err != nil:
		return []bus.Fault{Fault(err)}
	case c.Synchronized:
		return nil
	}
	return []bus.Fault{tell(fault.Clock, "the clock is not synchronised", "systemctl status systemd-timesyncd")}
}

func diskFaults(paths ...string) []bus.Fault {
	var faults []bus.Fault
	for _, path := range paths {
		var fs unix.Statfs_t
		if err := unix.Statfs(path, &fs); err != nil {
			faults = append(faults, Fault(fmt.Errorf("looking at %s: %w", path, err)))
			continue
		}
		if used := percentUsed(fs.Blocks, fs.Bfree, fs.Bavail); used >= fullFrom {
			faults = append(faults, tell(fault.DiskFull, fmt.Sprintf("%s is %d %% full", path, used), "journalctl --vacuum-size=100M"))
		}
	}
	return faults
}

// percentUsed counts as df does: what root keeps for itself is not available. A
// read-only file system without free blocks is full by nature and counts as 0.
func percentUsed(blocks, free, available uint64) int {
	used := blocks - free
	if blocks == 0 || free == 0 && available == 0 {
		return 0
	}
	return int(used * 100 / (used + available))
}

func memoryFaults(path string) []bus.Fault {
	file, err := os.Open(path)
	if err != nil {
		return []bus.Fault{Fault(fmt.Errorf("looking at the memory: %w", err))}
	}
	defer file.Close()
	left, known := percentAvailable(file)
	if !known || left >= shortFrom {
		return nil
	}
	return []bus.Fault{tell(fault.MemoryFull, fmt.Sprintf("only %d %% of the memory is available", left),
		"more memory, or fewer sessions on this node")}
}

// percentAvailable reads meminfo(5): MemAvailable counts what the kernel would
// give back, so it is the only line that says whether memory is short.
func percentAvailable(meminfo io.Reader) (percent int, known bool) {
	var total, available int
	lines := bufio.NewScanner(meminfo)
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		value := map[string]*int{"MemTotal": &total, "MemAvailable": &available}[name]
		if value == nil {
			continue
		}
		if _, err := fmt.Sscanf(strings.TrimSpace(rest), "%d kB", value); err != nil {
			return 0, false
		}
		known = known || name == "MemAvailable"
	}
	if !known || total <= 0 {
		return 0, false
	}
	return available * 100 / total, true
}
