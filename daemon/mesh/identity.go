package mesh

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"quorate.org/daemon/atomicfile"
)

// Identity is a node's Ed25519 key. Its hash is the node ID, which is kept over
// reboots and address changes and renewed only by a reset.
type Identity struct {
	ID  string // 32 hex digits
	key ed25519.PrivateKey
}

// IDOf returns the node ID of a public key.
func IDOf(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:16])
}

// Public returns the public key.
func (i *Identity) Public() ed25519.PublicKey { return i.key.Public().(ed25519.PublicKey) }

// NewIdentity makes a fresh identity.
func NewIdentity() *Identity {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return &Identity{ID: IDOf(pub), key: key}
}

// LoadIdentity reads the identity kept in a file, making one when there is none.
func LoadIdentity(file string) (*Identity, error) {
	seed, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		i := NewIdentity()
		return i, i.save(file)
	}
	if err != nil {
		return nil, fmt.Errorf("reading node key: %w", err)
	}
	i, err := IdentityOf(seed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return i, nil
}

func (i *Identity) save(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("making node key: %w", err)
	}
	// Through a power failure: a node that lost its key would be another node.
	if err := atomicfile.Replace(file, i.key.Seed(), 0o600); err != nil {
		return fmt.Errorf("saving node key: %w", err)
	}
	return nil
}

// Seed is the private key in the form of its file, for a backup.
func (i *Identity) Seed() []byte { return i.key.Seed() }

// RestoreIdentity writes a key of a backup to a file and returns the identity.
func RestoreIdentity(file string, seed []byte) (*Identity, error) {
	i, err := IdentityOf(seed)
	if err != nil {
		return nil, err
	}
	return i, i.save(file)
}

// IdentityOf returns the identity of a private key.
func IdentityOf(seed []byte) (*Identity, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("reading node key: it is %d bytes long, not %d", len(seed), ed25519.SeedSize)
	}
	key := ed25519.NewKeyFromSeed(seed)
	return &Identity{ID: IDOf(key.Public().(ed25519.PublicKey)), key: key}, nil
}
