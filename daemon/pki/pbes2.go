package pki

import (
	"crypto/aes"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"

	"golang.org/x/crypto/scrypt"

	"quorate.org/daemon/fault"
)

// Bounds of the work and memory that opening a key may take: PBKDF2 by
// maxIterations, scrypt by 64 MiB (128·N·r, RFC 7914 §2) and twice the time that
// takes. OpenSSL asks for 2,048 iterations or 16 MiB.
const (
	maxScryptBlocks = 64 << 20 / 128
	maxScryptWork   = 2 * maxScryptBlocks
)

// The algorithms of PBES2 (RFC 8018 appendix C, RFC 7914 §7, RFC 3565 §4.1).
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
)

var keyLengths = map[string]int{ // of AES in CBC mode, in bytes
	"2.16.840.1.101.3.4.1.2":  16,
	"2.16.840.1.101.3.4.1.22": 24,
	"2.16.840.1.101.3.4.1.42": 32,
}

var outdatedCiphers = map[string]string{
	"1.3.14.3.2.7":         "DES",
	"1.2.840.113549.3.2":   "RC2",
	"1.2.840.113549.3.4":   "RC4",
	"1.2.840.113549.3.7":   "triple DES",
	"1.2.840.113549.1.5.1": "DES", "1.2.840.113549.1.5.3": "DES", "1.2.840.113549.1.5.10": "DES",
	"1.2.840.113549.1.5.4": "RC2", "1.2.840.113549.1.5.6": "RC2", "1.2.840.113549.1.5.11": "RC2",
	"1.2.840.113549.1.12.1.1": "RC4", "1.2.840.113549.1.12.1.2": "RC4",
	"1.2.840.113549.1.12.1.3": "triple DES", "1.2.840.113549.1.12.1.4": "triple DES",
	"1.2.840.113549.1.12.1.5": "RC2", "1.2.840.113549.1.12.1.6": "RC2",
}

var randomFunctions = map[string]func() hash.Hash{ // of PBKDF2
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.8":  sha256.New224,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
}

// encrypted is an EncryptedPrivateKeyInfo.
type encrypted struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// encryptedInfo reports whether der is an EncryptedPrivateKeyInfo: no other file
// begins with an algorithm that is followed by an octet string alone.
func encryptedInfo(der []byte) (e encrypted, ok bool) {
	rest, err := asn1.Unmarshal(der, &e)
	return e, err == nil && len(rest) == 0
}

// opener returns what opens the key, or why nothing here can.
func (e encrypted) opener() (func(passphrase string) ([]byte, error), error) {
	if !e.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, refuseLock(e.Algorithm.Algorithm)
	}
	var p struct{ KDF, Cipher pkix.AlgorithmIdentifier }
	if _, err := asn1.Unmarshal(e.Algorithm.Parameters.FullBytes, &p); err != nil {
		return nil, unreadable("encryption of the private key", err)
	}
	length, ok := keyLengths[p.Cipher.Algorithm.String()]
	if !ok {
		return nil, refuseLock(p.Cipher.Algorithm)
	}
	var iv []byte
	if _, err := asn1.Unmarshal(p.Cipher.Parameters.FullBytes, &iv); err != nil || len(iv) != aes.BlockSize ||
		len(e.Data) == 0 || len(e.Data)%aes.BlockSize != 0 {
		return nil, fault.New(fault.InvalidArgument, "the encrypted private key is damaged")
	}
	derive, err := derivation(p.KDF, length)
	if err != nil {
		return nil, err
	}
	return func(passphrase string) ([]byte, error) {
		key, err := derive(passphrase)
		if err != nil {
			return nil, err
		}
		return uncover(key, iv, e.Data)
	}, nil
}

func refuseLock(oid asn1.ObjectIdentifier) error {
	if name, ok := outdatedCiphers[oid.String()]; ok {
		return outdatedLock(name)
	}
	return unknownLock(oid.String())
}

// derivation returns the function that makes a key of that length out of a
// passphrase, unless it asks for too much.
func derivation(kdf pkix.AlgorithmIdentifier, length int) (func(passphrase string) ([]byte, error), error) {
	switch {
	case kdf.Algorithm.Equal(oidPBKDF2):
		return pbkdf2Derivation(kdf.Parameters.FullBytes, length)
	case kdf.Algorithm.Equal(oidScrypt):
		return scryptDerivation(kdf.Parameters.FullBytes, length)
	}
	return nil, unknownLock(kdf.Algorithm.String())
}

// pbkdf2Derivation reads PBKDF2-params (RFC 8018 appendix A.2).
func pbkdf2Derivation(params []byte, length int) (func(string) ([]byte, error), error) {
	var p struct {
		Salt       []byte
		Iterations int64
		Length     int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(params, &p); err != nil {
		return nil, unreadable("encryption of the private key", err)
	}
	random := sha1.New // RFC 8018 appendix A.2: the default
	if len(p.PRF.Algorithm) > 0 {
		random = randomFunctions[p.PRF.Algorithm.String()]
	}
	switch {
	case random == nil:
		return nil, unknownLock(p.PRF.Algorithm.String())
	case p.Length != 0 && p.Length != length:
		return nil, fault.New(fault.InvalidArgument, "the encrypted private key is damaged")
	case p.Iterations < 1 || p.Iterations > maxIterations:
		return nil, tooMuchWork(fmt.Sprintf("%d iterations, and at most %d are done", p.Iterations, maxIterations))
	}
	return func(passphrase string) ([]byte, error) {
		return pbkdf2.Key(random, passphrase, p.Salt, int(p.Iterations), length)
	}, nil
}

// scryptDerivation reads scrypt-params (RFC 7914 §7.1).
func scryptDerivation(params []byte, length int) (func(string) ([]byte, error), error) {
	var p struct {
		Salt    []byte
		N, R, P int64
		Length  int `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(params, &p); err != nil {
		return nil, unreadable("encryption of the private key", err)
	}
	one := func(n int64) bool { return n >= 1 && n <= maxScryptBlocks } // so that no product overflows
	switch {
	case p.Length != 0 && p.Length != length || p.N < 2 || p.N&(p.N-1) != 0:
		return nil, fault.New(fault.InvalidArgument, "the encrypted private key is damaged")
	case !one(p.N) || !one(p.R) || !one(p.P) || p.N*p.R > maxScryptBlocks || p.N*p.R*p.P > maxScryptWork:
		return nil, tooMuchWork(fmt.Sprintf("scrypt with N=%d, r=%d, p=%d, and at most 64 MiB are spent", p.N, p.R, p.P))
	}
	return func(passphrase string) ([]byte, error) {
		return scrypt.Key([]byte(passphrase), p.Salt, int(p.N), int(p.R), int(p.P), length)
	}, nil
}

func tooMuchWork(what string) error {
	return fault.Mend(fault.InvalidArgument, "the private key asks for too much work to be opened: "+what,
		"encrypt it with the tool's own defaults: openssl pkey -aes256 -in old.key -out new.key")
}
