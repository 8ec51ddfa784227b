package confd_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// reported makes the machine an appliance: it has a report on its versions, and
// a key of updates.
func (r *rig) reported(u bus.Upgrade) {
	r.t.Helper()
	text, err := json.Marshal(u)
	if err != nil {
		r.t.Fatal(err)
	}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize)).Public()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		r.t.Fatal(err)
	}
	for path, text := range map[string][]byte{r.report: text, r.keys: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})} {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestUpgrade(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"next.update", "two words.update", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(r.exchange, name), bytes.Repeat([]byte("no update "), 60), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Upgrade(t.Context(), "next.update"); err != nil {
		t.Fatal(err)
	}
	if err := r.UpgradeRollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"begin quorate-upgrade@next.update.service", "begin quorate-upgrade@rollback.service"}
	if got := r.machine.asks(); !slices.Equal(got, want) {
		t.Errorf("asked for %v, want %v", got, want)
	}
	for file, code := range map[string]fault.Code{
		"other.update": fault.NotFound, "two words.update": fault.InvalidName, "notes.txt": fault.InvalidName,
		"../next.update": fault.InvalidName, "rollback": fault.InvalidName, "status": fault.InvalidName, "": fault.InvalidName,
	} {
		if err := r.Upgrade(t.Context(), file); fault.CodeOf(err) != code {
			t.Errorf("upgrade %q: %v, want %s", file, err, code)
		}
	}
	r.machine.set(true)
	if err := r.Upgrade(t.Context(), "next.update"); fault.CodeOf(err) != fault.WrongState {
		t.Errorf("two at once: %v", err)
	}
	if got := r.machine.asks(); len(got) != 2 {
		t.Errorf("asked for %v besides", got[2:])
	}
}

func TestUpgrades(t *testing.T) {
	r := newRig(t)
	if _, err := r.Upgrades(t.Context()); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a machine without versions: %v", err)
	}
	r.reported(bus.Upgrade{Running: "0.1", Next: "0.1", Act: "upgrade next.update", Phase: "unpacking", Percent: 40})
	if err := os.WriteFile(filepath.Join(r.exchange, "next.update"), bytes.Repeat([]byte("no update "), 60), 0o644); err != nil {
		t.Fatal(err)
	}
	r.machine.set(true)
	u, err := r.Upgrades(t.Context())
	if err != nil || !u.Busy || u.Phase != "unpacking" || u.Percent != 40 || u.Code != "" {
		t.Errorf("while it goes on: %+v, %v", u, err)
	}
	if len(u.Updates) != 1 || u.Updates[0].File != "next.update" || !strings.Contains(u.Updates[0].Problem, "not an update of Quorate") {
		t.Errorf("in the exchange folder: %+v", u.Updates)
	}
	r.machine.set(false)
	if u, err = r.Upgrades(t.Context()); err != nil || u.Phase != bus.UpgradeDone || u.Code != string(fault.Internal) || u.Remedy == "" {
		t.Errorf("when it ended without a word: %+v, %v", u, err)
	}
}
