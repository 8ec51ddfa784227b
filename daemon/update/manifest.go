package update

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"

	"quorate.org/daemon/fault"
)

// What an update must say of itself to be one for these machines.
const (
	format       = 1
	product      = "quorate"
	architecture = "x86-64"
)

// Part is one file of an update.
type Part struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`   // bytes in the update
	Extent int64  `json:"extent"` // bytes when unpacked: what is missing behind Size is zero
	SHA256 string `json:"sha256"` // of Size bytes, in hexadecimal
}

// Manifest says what an update holds.
type Manifest struct {
	Format       int    `json:"format"`
	Product      string `json:"product"`
	Architecture string `json:"architecture"`
	Version      string `json:"version"`
	Parts        []Part `json:"parts"`
}

// largest is what a part may need on disk: systemd-repart made room for less.
const largest = 1 << 30

// partNames are those of a kernel image, and of a partition with the UUID it gets.
var partNames = regexp.MustCompile(`^quorate_([0-9.]+)(?:(\.efi)|_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.usr(?:-verity)?\.raw))$`)

// Keys reads the public keys of a PEM file (RFC 7468): those who may sign.
func Keys(text []byte) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading the keys of updates: %w", err)
		}
		ours, ok := key.(ed25519.PublicKey)
		if !ok {
			return nil, fmt.Errorf("reading the keys of updates: a %T is not for Ed25519", key)
		}
		keys = append(keys, ours)
	}
	if len(keys) == 0 {
		return nil, errors.New("reading the keys of updates: there is none")
	}
	return keys, nil
}

// read checks the signature over text, then what text says.
func read(text, signature []byte, keys []ed25519.PublicKey) (Manifest, error) {
	signed := false
	for _, key := range keys {
		signed = signed || ed25519.Verify(key, text, signature)
	}
	if !signed {
		return Manifest{}, fault.Mend(fault.Trust, "the update is signed by nobody that this node takes updates from, or was changed on its way",
			"fetch it again from where it is published")
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fault.New(fault.InvalidArgument, "the update's manifest can not be read: "+err.Error())
	}
	return m, m.check()
}

func (m Manifest) check() error {
	if m.Format != format {
		return fault.Mend(fault.Version, fmt.Sprintf("the update has format %d and this version reads format %d", m.Format, format),
			"upgrade to a version between the two first")
	}
	if m.Product != product || m.Architecture != architecture {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("the update is for %s on %s, this is %s on %s", m.Product, m.Architecture, product, architecture))
	}
	if !ValidVersion(m.Version) {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("the update has the version %q, which is none", m.Version))
	}
	kinds := map[string]bool{}
	for _, p := range m.Parts {
		name := partNames.FindStringSubmatch(p.Name)
		sum, err := hex.DecodeString(p.SHA256)
		if name == nil || name[1] != m.Version || err != nil || len(sum) != 32 || p.Size <= 0 || p.Size > p.Extent || p.Extent > largest {
			return fault.New(fault.InvalidArgument, fmt.Sprintf("the update has a part %q that does not belong there", p.Name))
		}
		kinds[name[2]+name[3]] = true
	}
	if len(m.Parts) != 3 || len(kinds) != 3 {
		return fault.New(fault.InvalidArgument, "the update does not hold a kernel image, /usr and its hashes, once each")
	}
	return nil
}
