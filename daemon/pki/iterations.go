package pki

import (
	"encoding/asn1"
	"fmt"
	"math"

	"quorate.org/daemon/fault"
)

// maxIterations bounds the work of opening a PKCS#12 file: a hundred times what
// common tools write, and less than a few seconds.
const maxIterations = 1 << 20

// maxNesting bounds the depth to which a file is searched for counts.
const maxNesting = 16

// pkcsOID is 1.2.840.113549.1: PKCS #5 is its arc 5, PKCS #12 its arc 12.
var pkcsOID = asn1.ObjectIdentifier{1, 2, 840, 113549, 1}

// checkIterations refuses a PKCS#12 file whose passphrase would be hashed too
// often, before any of that is done: in the parameters of each PBE algorithm
// (RFC 8018 appendix A, RFC 7292 appendix C) and in the MacData (RFC 7292 §4).
// What lies inside the encrypted parts is not seen: whoever made those holds the
// passphrase that was typed.
func checkIterations(pfx []byte, limit int64) error {
	var outer struct {
		Version  int
		AuthSafe asn1.RawValue
		MacData  asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(pfx, &outer); err != nil {
		return nil // not for this function to explain
	}
	if most := max(mostInteger(outer.MacData.FullBytes, 0), pbeIterations(outer.AuthSafe.FullBytes, 0)); most > limit {
		return fault.Mend(fault.InvalidArgument, fmt.Sprintf("the PKCS#12 file asks for more than %d iterations", limit),
			"export it again with the tool's own defaults")
	}
	return nil
}

// pbeIterations returns the largest integer in the parameters of a PBE algorithm
// anywhere in der, also inside octet strings.
func pbeIterations(der []byte, depth int) int64 {
	parts := elements(der)
	most := int64(0)
	if depth > maxNesting {
		return most
	}
	if len(parts) > 1 && isPBE(parts[0]) {
		for _, p := range parts[1:] {
			most = max(most, mostInteger(p.FullBytes, depth))
		}
	}
	for _, p := range parts {
		if p.IsCompound || p.Tag == asn1.TagOctetString {
			most = max(most, pbeIterations(p.Bytes, depth+1))
		}
	}
	return most
}

// mostInteger returns the largest integer anywhere in der.
func mostInteger(der []byte, depth int) int64 {
	most := int64(0)
	if depth > maxNesting {
		return most
	}
	for _, p := range elements(der) {
		switch {
		case p.IsCompound:
			most = max(most, mostInteger(p.Bytes, depth+1))
		case p.Class == asn1.ClassUniversal && p.Tag == asn1.TagInteger:
			var n int64
			if _, err := asn1.Unmarshal(p.FullBytes, &n); err != nil {
				n = math.MaxInt64 // larger than 64 bits
			}
			most = max(most, n)
		}
	}
	return most
}

func isPBE(v asn1.RawValue) bool {
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(v.FullBytes, &oid); err != nil || len(oid) <= len(pkcsOID) {
		return false
	}
	arc := oid[len(pkcsOID)]
	return oid[:len(pkcsOID)].Equal(pkcsOID) && (arc == 5 || arc == 12)
}

// elements cuts der into its DER values, as far as they can be read.
func elements(der []byte) []asn1.RawValue {
	var out []asn1.RawValue
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			break
		}
		out, der = append(out, v), rest
	}
	return out
}
