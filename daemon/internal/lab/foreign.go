package lab

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// Foreign starts another program on a local node whose own are off, such as a
// server to compare with: in the node's network, with the machine's own files.
// Kill ends it with all it started.
func (n *Node) Foreign(ctx context.Context, name string, argv ...string) error {
	m, ok := n.machine.(*local)
	if !ok {
		return fmt.Errorf("%s is no local node", n.name)
	}
	return m.procs.start(ctx, spec{
		name: name, log: m.path(name + ".log"),
		argv: append([]string{"nsenter", "--net=" + filepath.Join("/run/netns", m.netns)}, argv...),
	})
}

// Usage is what all programs of a local node use together.
type Usage struct {
	CPU    time.Duration // user and system, to 10 ms for each program
	Memory int           // bytes; what programs share counts once (PSS)
}

// Usage looks at every program in the node's network namespace.
func (n *Node) Usage(ctx context.Context) (Usage, error) {
	var u Usage
	pids, err := run(ctx, "ip", "netns", "pids", n.lab.net.name+"-"+n.name)
	if err != nil {
		return u, err
	}
	for _, pid := range strings.Fields(pids) {
		cpu, err1 := processorTime(pid)
		memory, err2 := proportional(pid)
		if err1 == nil && err2 == nil { // else it has ended meanwhile
			u.CPU += cpu
			u.Memory += memory
		}
	}
	return u, nil
}

// processorTime adds fields 14 and 15 of /proc/<pid>/stat (proc(5)), counted
// behind the command name.
func processorTime(pid string) (time.Duration, error) {
	data, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return 0, err
	}
	text := string(data)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("reading the processor time of %s: %q", pid, text)
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("reading the processor time of %s: %q", pid, text)
	}
	return time.Duration(user+system) * time.Second / clockTicks, nil
}

// proportional returns the Pss line of /proc/<pid>/smaps_rollup in bytes.
func proportional(pid string) (int, error) {
	data, err := os.ReadFile(filepath.Join("/proc", pid, "smaps_rollup"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("reading the memory of %s: there is no Pss", pid)
}

// SharedPair returns the key and the certificate that all nodes have after the
// walkthrough with a shared one, as PEM.
func (l *Lab) SharedPair() (key, cert []byte, err error) {
	p12, err := os.ReadFile(l.p12())
	if err != nil {
		return nil, nil, fmt.Errorf("reading the export: %w", err)
	}
	private, leaf, _, err := pkcs12.DecodeChain(p12, passphrase)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the export: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding the key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), certPEM(leaf.Raw), nil
}
