package lab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTicks is USER_HZ, in which the kernel reports processor time to
// programs on every architecture Go runs on Linux with 100.
const clockTicks = 100

// CPU returns the processor time a local node's daemon has used, user and
// system, to 10 ms.
func (n *Node) CPU(daemon string) (time.Duration, error) {
	fields, err := n.procFile(daemon, "stat")
	if err != nil {
		return 0, err
	}
	// Fields 14 and 15 of proc(5), counted behind the command name.
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("reading the processor time of %s: %v", daemon, fields)
	}
	return time.Duration(user+system) * time.Second / clockTicks, nil
}

// Memory returns the resident memory of a local node's daemon in bytes.
func (n *Node) Memory(daemon string) (int, error) {
	fields, err := n.procFile(daemon, "stat")
	if err != nil {
		return 0, err
	}
	pages, err := strconv.Atoi(fields[21])
	if err != nil {
		return 0, fmt.Errorf("reading the memory of %s: %w", daemon, err)
	}
	return pages * os.Getpagesize(), nil
}

// procFile returns the fields of /proc/<pid>/<file> behind the command name.
func (n *Node) procFile(daemon, file string) ([]string, error) {
	m, ok := n.machine.(*local)
	if !ok {
		return nil, fmt.Errorf("%s is no local node", n.name)
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", m.procs.pid(daemon), file))
	if err != nil {
		return nil, fmt.Errorf("looking at %s of %s: %w", daemon, n.name, err)
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	return strings.Fields(rest), nil
}
