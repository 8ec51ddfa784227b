package cluster

import (
	"testing"

	"quorate.org/daemon/replica"
)

// The roster is the newer of what was applied and what was last seen: until a
// leader's word, a state is empty or that of an old snapshot.
func TestNewest(t *testing.T) {
	at := func(version uint64) *replica.State { return &replica.State{Version: version} }
	empty, old, late := at(0), at(5), at(9)
	for name, c := range map[string]struct{ applied, known, want *replica.State }{
		"nothing was ever seen":   {old, nil, old},
		"the log is not applied":  {empty, old, old},
		"an old snapshot is":      {old, late, late},
		"the log is further":      {late, old, late},
		"both are of one version": {old, at(5), old},
	} {
		if got := newest(c.applied, c.known); got != c.want {
			t.Errorf("%s: the roster is of version %d, want %d", name, got.Version, c.want.Version)
		}
	}
}

// An instance reads the roster last seen from the disk, as a member only.
func TestRosterFromDisk(t *testing.T) {
	known := &replica.State{Version: 7, ClusterID: "c1", Members: map[string]replica.Member{"a": {ID: "a"}}}
	for mode, want := range map[Mode]int{Joined: 1, Enabled: 0} {
		dir := t.TempDir()
		if err := (record{Mode: mode, Known: known}).write(dir); err != nil {
			t.Fatal(err)
		}
		_, r, err := load(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		c := &Cluster{record: r}
		if got := c.Roster(); len(got.Members) != want {
			t.Errorf("%s: the roster has %d members, want %d", mode, len(got.Members), want)
		}
	}
}

// A roster is never replaced by an older one.
func TestRememberKeepsTheNewer(t *testing.T) {
	c := &Cluster{cfg: Config{Dir: t.TempDir()}, record: record{Mode: Joined}}
	for _, version := range []uint64{3, 8, 5} {
		c.remember(&replica.State{Version: version, ClusterID: "c1"})
	}
	r, err := readRecord(c.cfg.Dir)
	if err != nil || r.Known.Version != 8 || c.known().Version != 8 {
		t.Errorf("remembered %+v, %v", r.Known, err)
	}
	c.remember(&replica.State{Version: 9})
	if c.known().Version != 8 {
		t.Error("a state of no cluster was remembered")
	}
}
