package mesh

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestIdentity(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sub", "node.key")
	first, err := LoadIdentity(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode() != 0o600 || info.Size() != ed25519.SeedSize {
		t.Errorf("the file is %v, %v", info, err)
	}
	if list, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(list) != 1 {
		t.Errorf("left in the folder: %v", list)
	}
	again, err := LoadIdentity(file)
	if err != nil || again.ID != first.ID || !again.Public().Equal(first.Public()) || len(first.ID) != 32 {
		t.Errorf("loaded %v, %v, want %v", again, err, first)
	}
	if other := NewIdentity(); other.ID == first.ID {
		t.Error("two identities are the same")
	}
}

// The ID of a key never changes: it is the first half of its SHA-256.
func TestIDOf(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	if got, want := IDOf(key), "139e3940e64b5491722088d9a0d741628"; len(got) != 32 || got != want[:32] {
		t.Errorf("got %s, want %s", got, want[:32])
	}
}

func TestIdentityRefusals(t *testing.T) {
	dir := t.TempDir()
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		short:                         "is 1 bytes long, not 32",
		dir:                           "reading node key",
		filepath.Join(short, "below"): "node key",
	} {
		if _, err := LoadIdentity(file); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
