package account

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// keyTypes that sshd of the image takes.
var keyTypes = []string{
	"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
}

// leastRSA is sshd's RequiredRSASize in the image, in bits.
const leastRSA = 3072

// CheckKey checks a line of AUTHORIZED_KEYS FILE FORMAT (sshd(8)): its type, and a key that says the same of itself
// (RFC 4253 §6.6). Options before the type are left to sshd.
func CheckKey(line string) error {
	if strings.Contains(line, "PRIVATE KEY") {
		return errors.New("it is a private key, which belongs to nobody but its holder")
	}
	fields := strings.Fields(line)
	at := slices.IndexFunc(fields, func(f string) bool { return slices.Contains(keyTypes, f) })
	if at < 0 || at+1 == len(fields) {
		return errors.New("it is no public SSH key")
	}
	blob, err := base64.StdEncoding.DecodeString(fields[at+1])
	if err != nil {
		return errors.New("the key is cut off or garbled")
	}
	parts, whole := strs(blob)
	switch {
	case len(parts) > 0 && string(parts[0]) != fields[at]:
		return errors.New("the key is of another type than the line says")
	case !whole || len(parts) < 2:
		return errors.New("the key is cut off or garbled")
	case fields[at] == "ssh-rsa":
		return checkRSA(parts)
	}
	return nil
}

// checkRSA checks the length of the modulus, the third part (RFC 4253 §6.6).
func checkRSA(parts [][]byte) error {
	if len(parts) < 3 {
		return errors.New("the key is cut off or garbled")
	}
	if bits := new(big.Int).SetBytes(parts[2]).BitLen(); bits < leastRSA {
		return fmt.Errorf("the RSA key has %d bits, and %d are needed", bits, leastRSA)
	}
	return nil
}

// strs splits a blob into its strings (RFC 4251 §5): a length of four bytes each.
func strs(blob []byte) (parts [][]byte, whole bool) {
	for len(blob) >= 4 {
		n := uint64(binary.BigEndian.Uint32(blob))
		if n > uint64(len(blob)-4) {
			return parts, false
		}
		parts, blob = append(parts, blob[4:4+n]), blob[4+n:]
	}
	return parts, len(blob) == 0
}
