package pki

import (
	"bytes"
	"encoding/pem"

	"quorate.org/daemon/fault"
)

const (
	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
)

// parsePEM reads every block of a PEM file and refuses mixtures.
func parsePEM(data []byte) (*Contents, error) {
	blocks, err := pemBlocks(data)
	if err != nil {
		return nil, err
	}
	all := &Contents{}
	for _, b := range blocks {
		if err := all.add(b); err != nil {
			return nil, err
		}
	}
	secret := all.Key != nil || all.Locked != nil
	switch {
	case secret && len(all.Certificates) > 0:
		return nil, fault.Mend(fault.InvalidArgument, "the file holds a private key together with certificates",
			"upload them as two files, or as one PKCS#12 file")
	case secret && all.Request != nil || all.Request != nil && len(all.Certificates) > 0:
		return nil, fault.Mend(fault.InvalidArgument, "the file holds a request together with something else",
			"upload them as separate files")
	case all.Key != nil:
		all.Kind = KindKey
		return all, nil
	case all.Locked != nil:
		all.Kind = KindLocked
		return all, nil
	case all.Request != nil:
		all.Kind = KindRequest
		return all, nil
	case len(all.Certificates) > 0:
		return Bundle(all.Certificates), nil
	}
	return nil, fault.New(fault.InvalidArgument, "the file holds neither a key nor a certificate")
}

// pemBlocks cuts the file into blocks. pem.Decode skips what it can not read, so
// each step is checked for a block it passed over.
func pemBlocks(data []byte) ([]*pem.Block, error) {
	var blocks []*pem.Block
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return blocks, pemTail(rest)
		}
		if bytes.Count(data[:len(data)-len(rest)], []byte(pemBegin)) != 1 {
			return nil, damaged()
		}
		blocks, data = append(blocks, block), rest
	}
}

// pemTail judges what follows the last whole block: text is allowed, the start
// of another block means that the end of the file has not arrived.
func pemTail(rest []byte) error {
	line := rest[bytes.LastIndexByte(rest, '\n')+1:]
	cut := len(line) > 0 && bytes.HasPrefix([]byte(pemBegin), line)
	begin := bytes.LastIndex(rest, []byte(pemBegin))
	switch {
	case begin < 0 && cut:
		return incomplete("the file ends in the middle of a PEM block")
	case begin < 0:
		return nil
	case wholeEnd(rest[begin:]):
		return damaged()
	}
	return incomplete("the file ends in the middle of a PEM block")
}

// wholeEnd reports whether block has a complete END line.
func wholeEnd(block []byte) bool {
	i := bytes.Index(block, []byte(pemEnd))
	return i >= 0 && bytes.Contains(block[i+len(pemEnd):], []byte("-----"))
}

func damaged() error {
	return fault.Mend(fault.InvalidArgument, "a PEM block of the file is damaged", "upload the file again, in binary mode")
}
