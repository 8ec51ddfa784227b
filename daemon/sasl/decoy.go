package sasl

import (
	"crypto/rand"
	"crypto/sha256"
	"hash"
	"sync"
)

// ownKey makes the decoys of this process where the account store gives none.
var ownKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails
	return key
})

// Decoy returns credentials that no password fits, for a user who does not
// exist. They look like those of an account and are the same each time for the
// same key and user, so that neither one exchange nor a repeated one tells
// which users exist. Nodes of one cluster should use one secret key.
func Decoy(key []byte, username string) Credentials {
	return Credentials{
		SHA1:   decoyKeys(key, "SHA-1", username, 20),
		SHA256: decoyKeys(key, "SHA-256", username, sha256.Size),
	}
}

func decoyKeys(key []byte, hashName, username string, size int) Keys {
	part := func(label string) []byte {
		return sign(func() hash.Hash { return sha256.New() }, key, hashName, "\x00", label, "\x00", username)
	}
	// Accounts made by Derive have one salt for both hashes.
	salt := sign(func() hash.Hash { return sha256.New() }, key, "salt\x00", username)
	return Keys{
		Iterations: DefaultIterations,
		Salt:       salt[:SaltSize],
		StoredKey:  part("stored")[:size],
		ServerKey:  part("server")[:size],
	}
}
