package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Domain is the XMPP domain every lab serves.
const Domain = "meet.example"

// members is how many nodes the walkthrough makes a cluster of.
const members = 3

// Config says what lab to make and where.
type Config struct {
	Name      string // short and unique on this machine: it names namespaces; "lab" for the person's own
	Dir       string // everything the lab writes; made if absent
	Local     bool   // nodes are processes in namespaces, not virtual machines
	Spare     int    // nodes beside the three members: cb4 …, running and untouched by the walkthrough
	Bin       string // local: directory with xmppd, confd, certd and mmp
	Image     string // VM: directory with the image's build: quorate.raw, .vmlinuz, .initrd, .cmdline
	Ephemeral bool   // processes die with the process that started them (tests)

	Hardware []Hardware // VM: of cb1, cb2 …; the usual for those it does not reach

	Log io.Writer `json:"-"` // progress in words; nil is silent
}

// Lab is one segment with its nodes.
type Lab struct {
	cfg   Config
	net   *network
	nodes []*Node
	CA    *CA // the certificate authority that signs the nodes' requests
}

// Create clears what an earlier lab of the same name left, makes the network
// and the nodes, and starts nothing but the network.
func Create(ctx context.Context, cfg Config) (*Lab, error) {
	if err := Remove(ctx, cfg); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the lab's directory: %w", err)
	}
	data, err := json.MarshalIndent(cfg, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the lab's description: %w", err)
	}
	if err := os.WriteFile(filepath.Join(cfg.Dir, "lab.json"), data, 0o644); err != nil {
		return nil, fmt.Errorf("writing the lab's description: %w", err)
	}
	l, err := assemble(cfg)
	if err != nil {
		return nil, err
	}
	if err := l.net.claim(); err != nil {
		return nil, err
	}
	if l.CA, err = newCA(filepath.Join(cfg.Dir, "ca")); err != nil {
		return nil, err
	}
	if err := keygen(ctx, l.sshKey()); err != nil {
		return nil, err
	}
	if err := l.net.up(ctx); err != nil {
		return nil, errors.Join(err, l.Close(ctx))
	}
	if !cfg.Local {
		l.say("Copying the image …")
		if err := l.copyImage(ctx); err != nil {
			return nil, errors.Join(err, l.Close(ctx))
		}
	}
	for _, n := range l.nodes {
		if err := n.prepare(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("preparing %s: %w", n.name, err), l.Close(ctx))
		}
	}
	return l, l.writeSSHConfig()
}

// Open finds the lab that an earlier Create left in dir.
func Open(dir string) (*Lab, error) {
	cfg, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	l, err := assemble(cfg)
	if err != nil {
		return nil, err
	}
	l.CA, err = openCA(filepath.Join(dir, "ca"))
	return l, err
}

// Remove stops every process and deletes every namespace and directory of the
// lab that cfg names. That there is none is no error.
func Remove(ctx context.Context, cfg Config) error {
	if _, err := os.Stat(filepath.Join(cfg.Dir, "lab.json")); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	old, err := readConfig(cfg.Dir)
	if err != nil {
		return err
	}
	l, err := assemble(old)
	if err != nil {
		return err
	}
	if err := l.Close(ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(cfg.Dir); err != nil {
		return fmt.Errorf("removing the lab's directory: %w", err)
	}
	return nil
}

func readConfig(dir string) (Config, error) {
	var cfg Config
	data, err := os.ReadFile(filepath.Join(dir, "lab.json"))
	if err != nil {
		return cfg, fmt.Errorf("there is no lab in %s: %w", dir, err)
	}
	if err := json.Unmarshal(data, &cfg); err != nil {
		return cfg, fmt.Errorf("reading the lab's description: %w", err)
	}
	cfg.Dir = dir
	return cfg, nil
}

func assemble(cfg Config) (*Lab, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("finding the lab's directory: %w", err)
	}
	cfg.Dir = dir
	l := &Lab{cfg: cfg}
	l.net = &network{name: "quorate-" + cfg.Name, dir: dir, procs: procs{dir: filepath.Join(dir, "run"), ephemeral: cfg.Ephemeral}}
	for i := range members + cfg.Spare {
		l.nodes = append(l.nodes, newNode(l, i+1))
	}
	l.net.hosts = l.nodes
	return l, nil
}

// Nodes returns every node in order: cb1, cb2, …
func (l *Lab) Nodes() []*Node { return l.nodes }

// Members returns the nodes that the walkthrough makes a cluster of.
func (l *Lab) Members() []*Node { return l.nodes[:members] }

// Node returns the node of that name, or nil.
func (l *Lab) Node(name string) *Node {
	for _, n := range l.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// Start starts every node and waits until each answers over SSH.
func (l *Lab) Start(ctx context.Context) error {
	return l.each(func(n *Node) error { return n.Start(ctx) })
}

// each runs f for all nodes at once and returns every error.
func (l *Lab) each(f func(*Node) error) error {
	errs := make(chan error, len(l.nodes))
	for _, n := range l.nodes {
		go func() { errs <- f(n) }()
	}
	var all []error
	for range l.nodes {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// Close stops the nodes and the network. The directory with the logs stays.
func (l *Lab) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	var errs []error
	for _, n := range l.nodes {
		errs = append(errs, n.powerOff(ctx))
	}
	errs = append(errs, l.net.procs.killAll(ctx))
	if l.net.claim() != nil {
		return errors.Join(errs...) // what bears the name is another lab's
	}
	for _, n := range l.nodes {
		errs = append(errs, n.destroy(ctx))
	}
	return errors.Join(append(errs, l.net.down(ctx))...)
}

// Dir returns the lab's directory.
func (l *Lab) Dir() string { return l.cfg.Dir }

// NetNS returns the network namespace at the lab's end of the segment, where an
// administrator's own machine would be.
func (l *Lab) NetNS() string { return l.net.name }

// Local reports whether the nodes are processes, not virtual machines.
func (l *Lab) Local() bool { return l.cfg.Local }

func (l *Lab) say(format string, args ...any) {
	if l.cfg.Log != nil {
		_, _ = fmt.Fprintf(l.cfg.Log, format+"\n", args...)
	}
}
