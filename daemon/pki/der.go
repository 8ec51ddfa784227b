package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"

	"quorate.org/daemon/fault"
)

// parseDER reads one DER value. Its outer length tells a cut file from a bad one.
func parseDER(data []byte) (*Contents, error) {
	size, ok := derSize(data)
	switch {
	case !ok:
		return nil, fault.Mend(fault.InvalidArgument, "the file is not DER: it has no definite length",
			"export it again as DER or PEM")
	case len(data) < size:
		return nil, incomplete(fmt.Sprintf("the file has %d of %d bytes", len(data), size))
	case len(data) > size:
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the file has %d bytes behind its end", len(data)-size))
	}
	switch guessDER(data) {
	case KindPKCS12:
		return &Contents{Kind: KindPKCS12, Sealed: data}, nil
	case KindKey:
		key, err := readKey(data)
		if err != nil {
			return nil, err
		}
		return &Contents{Kind: KindKey, Key: key}, nil
	}
	if _, ok := encryptedInfo(data); ok {
		return readLocked(data)
	}
	if r, err := readRequest(data); err == nil {
		return &Contents{Kind: KindRequest, Request: r}, nil
	}
	cert, err := readCertificate(data)
	if err != nil {
		return nil, err
	}
	return Bundle([]*x509.Certificate{cert}), nil
}

// derSize returns the length of the outer SEQUENCE with its header. A header
// that has not arrived whole counts as one byte more than there is.
func derSize(data []byte) (size int, ok bool) {
	if len(data) < 2 {
		return len(data) + 1, true
	}
	n := int(data[1])
	switch {
	case n < 0x80:
		return 2 + n, true
	case n == 0x80 || n > 0x84: // indefinite (BER), or larger than any file here
		return 0, false
	}
	octets := n - 0x80
	if len(data) < 2+octets {
		return len(data) + 1, true
	}
	for _, b := range data[2 : 2+octets] {
		size = size<<8 | int(b)
	}
	return size + 2 + octets, size <= MaxFile
}

// guessDER looks at the first element: a version number 3 begins a PFX
// (RFC 7292 §4), 0 or 1 a private key; a SEQUENCE begins all else.
func guessDER(data []byte) Kind {
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(data, &outer); err != nil {
		return ""
	}
	var version int
	if _, err := asn1.Unmarshal(outer.Bytes, &version); err != nil {
		return ""
	}
	if version == 3 {
		return KindPKCS12
	}
	return KindKey
}
