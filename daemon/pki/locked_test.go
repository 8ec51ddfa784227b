package pki

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quorate.org/daemon/fault"
)

// lockPassphrase opens the files of testdata/locked, which openssl made.
const lockPassphrase = "correct horse"

func lockedFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/locked", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestUnlock(t *testing.T) {
	names, err := filepath.Glob("testdata/locked/[^r]*.key")
	if err != nil || len(names) < 8 {
		t.Fatalf("files %q, %v", names, err)
	}
	var first *ecdsa.PrivateKey
	for _, path := range names {
		name := filepath.Base(path)
		c, err := ParseFile(name, lockedFile(t, name))
		if err != nil || c.Kind != KindLocked || c.Locked == nil {
			t.Errorf("%s: %+v, %v", name, c, err)
			continue
		}
		if _, err := c.Locked.Unlock("wrong horse"); fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), "does not open") {
			t.Errorf("%s with a wrong passphrase: %v", name, err)
		}
		key, err := c.Locked.Unlock(lockPassphrase)
		if name == "weak.key" {
			if fault.CodeOf(err) != fault.WeakKey {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		ec, ok := key.(*ecdsa.PrivateKey)
		switch {
		case ok && first == nil:
			first = ec
		case ok && !ec.Equal(first):
			t.Errorf("%s holds another key than the first file", name)
		case !ok && key.(*rsa.PrivateKey).N.BitLen() != 2048:
			t.Errorf("%s holds %s", name, DescribeKey(key.Public()))
		}
	}
}

func TestLockedRefused(t *testing.T) {
	for name, text := range map[string]string{
		"refused-des.key":         "encrypted with DES, which is outdated",
		"refused-des3.key":        "encrypted with triple DES, which is outdated",
		"refused-legacy-des3.key": "encrypted with DES, which is outdated",
		"refused-iterations.key":  "2000000 iterations, and at most 1048576",
	} {
		_, err := ParseFile(name, lockedFile(t, name))
		if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "openssl pkey -aes256") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, p := range map[string]struct{ n, r, p int64 }{
		"memory":   {1 << 20, 8, 1},
		"time":     {1 << 14, 8, 1 << 10},
		"overflow": {1 << 62, 1 << 62, 1 << 62},
		"zero":     {1 << 14, 0, 1},
	} {
		if _, err := Parse(scryptLocked(t, p.n, p.r, p.p)); err == nil || !strings.Contains(err.Error(), "too much work") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Parse(scryptLocked(t, 1000, 8, 1)); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("N is no power of two: %v", err)
	}
	if _, err := Parse(scryptLocked(t, 1<<14, 8, 1)); err != nil {
		t.Errorf("what openssl asks for: %v", err)
	}
}

// scryptLocked is a locked key in DER with these parameters.
func scryptLocked(t *testing.T, n, r, p int64) []byte {
	t.Helper()
	der := func(v any) asn1.RawValue {
		b, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return asn1.RawValue{FullBytes: b}
	}
	kdf := pkix.AlgorithmIdentifier{Algorithm: oidScrypt, Parameters: der(struct {
		Salt    []byte
		N, R, P int64
	}{make([]byte, 8), n, r, p})}
	aes := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, Parameters: der(make([]byte, 16))}
	return der(encrypted{pkix.AlgorithmIdentifier{Algorithm: oidPBES2, Parameters: der(struct{ KDF, Cipher pkix.AlgorithmIdentifier }{kdf, aes})},
		make([]byte, 32)}).FullBytes
}

// Whatever a file holds, unlocking it ends in an accepted key or in a fault.
func FuzzUnlock(f *testing.F) {
	for _, name := range []string{"pbkdf2-sha256-aes256.key", "pbkdf2-sha1-aes192.key", "scrypt.key", "der.key", "legacy-aes256.key", "refused-des.key"} {
		f.Add(lockedFile(f, name), lockPassphrase)
	}
	f.Fuzz(func(t *testing.T, data []byte, passphrase string) {
		c, err := Parse(data)
		if err != nil || c.Kind != KindLocked {
			return
		}
		key, err := c.Locked.Unlock(passphrase)
		var known *fault.Error
		switch {
		case err == nil && CheckKey(key.Public()) != nil:
			t.Fatalf("a key that is not accepted: %v", CheckKey(key.Public()))
		case err != nil && !errors.As(err, &known):
			t.Fatalf("not a fault: %v", err)
		}
	})
}
