package sasl

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"

	"github.com/xdg-go/stringprep"
)

// DefaultIterations is the PBKDF2 count for new accounts. RFC 7677 §4 asks for
// at least 4096, which some clients insist on; the server's work does not
// depend on it.
const DefaultIterations = 10000

// SaltSize is the length in bytes of salts for new accounts. The salts shown
// for unknown users have the same.
const SaltSize = 16

// Keys are what a server keeps of a password for one hash (RFC 5802 §3). They
// do not reveal the password, but who holds StoredKey and overhears one
// exchange can sign in.
type Keys struct {
	Iterations int    `json:"iterations"`
	Salt       []byte `json:"salt"`
	StoredKey  []byte `json:"stored_key"`
	ServerKey  []byte `json:"server_key"`
}

// Credentials are the keys of one account, for each hash on offer.
type Credentials struct {
	SHA1   Keys `json:"sha1"`
	SHA256 Keys `json:"sha256"`
}

// ErrPassword is wrapped by Derive when a password can not be used.
var ErrPassword = errors.New("the password can not be used")

// Derive computes the keys of a password. The password is prepared by SASLprep
// (RFC 4013), as RFC 5802 §2.2 has clients do; one that SASLprep refuses, or
// that is empty, is an error wrapping ErrPassword, since clients could not sign
// in with it. The salt must not be empty and iterations not be below 4096.
func Derive(password string, salt []byte, iterations int) (Credentials, error) {
	prepared, err := stringprep.SASLprep.Prepare(password)
	if err != nil {
		// The error of stringprep quotes characters of the password.
		return Credentials{}, fmt.Errorf("%w: it has characters that SASLprep (RFC 4013) forbids", ErrPassword)
	}
	if prepared == "" {
		return Credentials{}, fmt.Errorf("%w: it is empty", ErrPassword)
	}
	if len(salt) == 0 || iterations < 4096 {
		return Credentials{}, fmt.Errorf("deriving keys: a salt and at least 4096 iterations are needed")
	}
	s1, err := deriveKeys(sha1.New, sha1.Size, prepared, salt, iterations)
	if err != nil {
		return Credentials{}, err
	}
	s256, err := deriveKeys(sha256.New, sha256.Size, prepared, salt, iterations)
	if err != nil {
		return Credentials{}, err
	}
	return Credentials{SHA1: s1, SHA256: s256}, nil
}

// deriveKeys is the computation of RFC 5802 §3; Hi is PBKDF2 with the hash's own
// output length (§2.2).
func deriveKeys[H hash.Hash](h func() H, size int, password string, salt []byte, iterations int) (Keys, error) {
	salted, err := pbkdf2.Key(h, password, salt, iterations, size)
	if err != nil {
		return Keys{}, fmt.Errorf("deriving keys: %w", err)
	}
	generic := func() hash.Hash { return h() }
	clientKey := sign(generic, salted, "Client Key")
	stored := h()
	stored.Write(clientKey)
	return Keys{
		Iterations: iterations,
		Salt:       append([]byte(nil), salt...),
		StoredKey:  stored.Sum(nil),
		ServerKey:  sign(generic, salted, "Server Key"),
	}, nil
}

func sign(h func() hash.Hash, key []byte, parts ...string) []byte {
	mac := hmac.New(h, key)
	for _, p := range parts {
		mac.Write([]byte(p))
	}
	return mac.Sum(nil)
}
