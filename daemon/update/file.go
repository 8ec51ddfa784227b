package update

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"quorate.org/daemon/fault"
)

// Suffix is how the names of updates end.
const Suffix = ".update"

// The first two files of an update, and how large they may be.
const (
	manifestName   = "manifest.json"
	signatureName  = "manifest.sig"
	manifestLimit  = 64 << 10
	signatureLimit = ed25519.SignatureSize
)

// File is an update whose manifest was signed by one of the keys.
type File struct {
	Manifest Manifest
	tar      *tar.Reader
	next     int // of Manifest.Parts
}

// Open reads the manifest and checks who signed it. A refusal is a *fault.Error:
// Trust, Incomplete, Version or InvalidArgument.
func Open(r io.Reader, keys []ed25519.PublicKey) (*File, error) {
	t := tar.NewReader(r)
	text, err := small(t, manifestName, manifestLimit)
	if err != nil {
		return nil, err
	}
	signature, err := small(t, signatureName, signatureLimit)
	if err != nil {
		return nil, err
	}
	m, err := read(text, signature, keys)
	if err != nil {
		return nil, err
	}
	return &File{Manifest: m, tar: t}, nil
}

// small reads one of the files at the beginning.
func small(t *tar.Reader, name string, limit int64) ([]byte, error) {
	h, err := t.Next()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, incomplete()
	}
	if err != nil || h.Name != name || h.Typeflag != tar.TypeReg || h.Size > limit {
		return nil, fault.Mend(fault.InvalidArgument, "the file is not an update of Quorate", "upload one whose name ends in "+Suffix)
	}
	var b bytes.Buffer
	if _, err := io.Copy(&b, t); err != nil {
		return nil, torn(err)
	}
	return b.Bytes(), nil
}

func incomplete() error {
	return fault.Mend(fault.Incomplete, "the update is not whole", "upload it again")
}

// torn words a failure to read on: a file that ends too early is its own fault.
func torn(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, tar.ErrHeader) {
		return incomplete()
	}
	return fmt.Errorf("reading the update: %w", err)
}

// Next returns the next part with its content, and io.EOF behind the last one.
// Reading the content to its end fails when it is not what was signed; what was
// read until then must not be used.
func (f *File) Next() (Part, io.Reader, error) {
	if f.next == len(f.Manifest.Parts) {
		return Part{}, nil, io.EOF
	}
	p := f.Manifest.Parts[f.next]
	f.next++
	h, err := f.tar.Next()
	if err != nil {
		return p, nil, torn(err)
	}
	if h.Name != p.Name || h.Typeflag != tar.TypeReg || h.Size != p.Size {
		return p, nil, fault.Mend(fault.Trust, fmt.Sprintf("the update has %q where its manifest has %q", h.Name, p.Name), "fetch it again from where it is published")
	}
	return p, &content{from: f.tar, part: p, sum: sha256.New()}, nil
}

// content hashes what passes and says at the end whether it was the right thing.
type content struct {
	from io.Reader
	part Part
	sum  hash.Hash
}

func (c *content) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	c.sum.Write(b[:n])
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, incomplete()
	case errors.Is(err, io.EOF) && hex.EncodeToString(c.sum.Sum(nil)) != c.part.SHA256:
		return n, fault.Mend(fault.Incomplete, c.part.Name+" in the update is damaged", "upload it again")
	}
	return n, err
}
