package sasl

import (
	"crypto/rand"
	"crypto/sha256"
	"hash"
	"sync"
)

// ownKey makes the decoys of this process where Config has no key.
var ownKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails
	return key
})

// decoy returns keys that no password fits, for an account that does not exist. They
// look like those of one that does and are the same each time for the same key and
// account, so that neither one exchange nor a repeated one tells which accounts
// exist.
func (m mechanism) decoy(key []byte, account string) Keys {
	size := m.hash().Size()
	part := func(label string) []byte {
		return sign(func() hash.Hash { return sha256.New() }, key, m.base, "\x00", label, "\x00", account)
	}
	// Accounts made by Derive have one salt for both hashes.
	salt := sign(func() hash.Hash { return sha256.New() }, key, "salt\x00", account)
	return Keys{
		Iterations: DefaultIterations,
		Salt:       salt[:SaltSize],
		StoredKey:  part("stored")[:size],
		ServerKey:  part("server")[:size],
	}
}
