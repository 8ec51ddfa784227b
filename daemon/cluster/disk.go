package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/mesh"
	"quorate.org/daemon/replica"
)

// Mode is where this node stands between standalone and member.
type Mode string

// The modes (product: two independent switches).
const (
	Standalone Mode = "standalone"
	Enabled    Mode = "enabled" // clustering is on, no cluster joined: serves no traffic
	Joined     Mode = "member"
)

// record is what a node remembers of its membership across restarts.
type record struct {
	Mode    Mode           `json:"mode"`
	Machine string         `json:"machine,omitempty"` // the hardware this identity belongs to
	Known   *replica.State `json:"known,omitempty"`   // the roster as last seen: cluster, domain, members, gossip key
	Seed    *replica.State `json:"seed,omitempty"`    // entries for a store that is made anew
	Return  *replica.State `json:"return,omitempty"`  // the roster a restored member asks to be taken back by
	Notice  string         `json:"notice,omitempty"`  // what happened, for the administrator
}

// Files under the state directory.
const (
	keyFile    = "node.key"
	recordFile = "membership.json"
	storeDir   = "store"
	archiveDir = "store.before-join"
)

func readRecord(dir string) (record, error) {
	r := record{Mode: Standalone}
	b, err := os.ReadFile(filepath.Join(dir, recordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return r, fmt.Errorf("reading membership: %w", err)
	}
	return r, nil
}

// ModeOf returns where the node of a state directory stands.
func ModeOf(dir string) Mode {
	r, err := readRecord(dir)
	if err != nil {
		return Standalone
	}
	return r.Mode
}

func (r record) write(dir string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding membership: %w", err)
	}
	if err := atomicfile.Replace(filepath.Join(dir, recordFile), b, 0o600); err != nil {
		return fmt.Errorf("saving membership: %w", err)
	}
	return nil
}

// setAside moves the store away, so that the next start makes a new one.
func setAside(dir string) error {
	archive := filepath.Join(dir, archiveDir)
	if err := os.RemoveAll(archive); err != nil {
		return fmt.Errorf("setting the store aside: %w", err)
	}
	err := os.Rename(filepath.Join(dir, storeDir), archive)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("setting the store aside: %w", err)
	}
	return atomicfile.SyncDir(dir)
}

// load reads identity and record. An identity copied to other hardware is
// renewed: two running nodes must never share one.
func load(dir, machine string) (*mesh.Identity, record, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, record{}, fmt.Errorf("making state directory: %w", err)
	}
	if err := finishRestore(dir, machine); err != nil {
		return nil, record{}, err
	}
	r, err := readRecord(dir)
	if err != nil {
		return nil, r, err
	}
	if machine != "" && r.Machine != "" && r.Machine != machine {
		if r, err = disown(dir, r); err != nil {
			return nil, r, err
		}
	}
	if machine != "" && r.Machine != machine {
		r.Machine = machine
		if err := r.write(dir); err != nil {
			return nil, r, err
		}
	}
	id, err := mesh.LoadIdentity(filepath.Join(dir, keyFile))
	return id, r, err
}

func disown(dir string, r record) (record, error) {
	n := record{Mode: r.Mode, Notice: "this is a copy of another machine: it has a new node ID"}
	if r.Mode == Joined {
		n.Mode = Enabled
		n.Notice += " and is in no cluster"
		if err := setAside(dir); err != nil {
			return r, err
		}
	}
	return n, renew(dir)
}

// renew drops the node key; the next start makes a new one.
func renew(dir string) error {
	err := os.Remove(filepath.Join(dir, keyFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("renewing the node key: %w", err)
	}
	return nil
}
