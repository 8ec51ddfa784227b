package pki

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"quorate.org/daemon/fault"
)

// Locked is a private key that its file holds under a passphrase, in a form that
// Unlock can open: what can not be opened is refused when the file is read.
type Locked struct {
	open func(passphrase string) ([]byte, error) // the key in DER, or garbage, or an error
}

// Unlock opens the key. The work is bounded when the file is read; a wrong
// passphrase and a key that CheckKey refuses have each their own fault.
func (l *Locked) Unlock(passphrase string) (crypto.Signer, error) {
	der, err := l.open(passphrase)
	if size, whole := derSize(der); err != nil || !whole || size != len(der) || guessDER(der) != KindKey {
		return nil, fault.Mend(fault.InvalidArgument, "the passphrase does not open the private key, nothing was changed",
			"give the passphrase the key was made with")
	}
	return readKey(der)
}

// readLocked reads an EncryptedPrivateKeyInfo (RFC 5958 §3).
func readLocked(der []byte) (*Contents, error) {
	info, ok := encryptedInfo(der)
	if !ok {
		return nil, fault.New(fault.InvalidArgument, "the encrypted private key can not be read")
	}
	open, err := info.opener()
	if err != nil {
		return nil, err
	}
	return &Contents{Kind: KindLocked, Locked: &Locked{open}}, nil
}

// readLegacyLocked reads a key block encrypted by RFC 1421 §4.6.1.1, as OpenSSL
// wrote it before PKCS #8: the DEK-Info header names the cipher.
func readLegacyLocked(b *pem.Block) (*Contents, error) {
	name, _, _ := strings.Cut(b.Headers["DEK-Info"], ",")
	switch {
	case strings.HasPrefix(name, "DES-"):
		return nil, outdatedLock("DES")
	case !strings.HasPrefix(name, "AES-"):
		return nil, unknownLock(name)
	case len(b.Bytes) == 0 || len(b.Bytes)%aes.BlockSize != 0:
		return nil, damaged()
	}
	return &Contents{Kind: KindLocked, Locked: &Locked{func(passphrase string) ([]byte, error) {
		//lint:ignore SA1019 the form is weak by design, but it is only read, and keys in it exist
		return x509.DecryptPEMBlock(b, []byte(passphrase))
	}}}, nil
}

// uncover decrypts AES-CBC and takes the padding off (RFC 8018 §6.2.2).
func uncover(key, iv, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("decrypting private key: %w", err)
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	n := int(plain[len(plain)-1])
	if n == 0 || n > aes.BlockSize {
		return nil, fmt.Errorf("decrypting private key: padding of %d bytes", n)
	}
	return plain[:len(plain)-n], nil
}

func outdatedLock(name string) error {
	return fault.Mend(fault.InvalidArgument, fmt.Sprintf("the private key is encrypted with %s, which is outdated and not accepted", name),
		"encrypt it with AES: openssl pkey -aes256 -in old.key -out new.key")
}

func unknownLock(name string) error {
	return fault.Mend(fault.InvalidArgument, fmt.Sprintf("the private key is encrypted in a way that is not known (%s)", name),
		"encrypt it with AES: openssl pkey -aes256 -in old.key -out new.key")
}
