package pki

import (
	"fmt"
	"regexp"
	"strings"

	"quorate.org/daemon/fault"
)

// Extensions are the endings a file of the certificate store may have.
var Extensions = []string{".key", ".csr", ".cer", ".crt", ".pem", ".der", ".pfx", ".p12"}

// maxBase bounds the part of a file name before its ending, in bytes.
const maxBase = 64

var basePattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// CheckBase reports whether base may name a key pair: [A-Za-z0-9_-]+, at most 64 bytes.
func CheckBase(base string) error {
	if len(base) > maxBase || !basePattern.MatchString(base) {
		return fault.Mend(fault.InvalidName, fmt.Sprintf("%q is not a name for a key pair", base),
			"use 1 to 64 letters, digits, '_' or '-', without an ending")
	}
	return nil
}

// CheckName reports whether name may name a file: a base and one of Extensions.
func CheckName(name string) error {
	if base, ext := Split(name); ext == "" || CheckBase(base) != nil {
		return fault.Mend(fault.InvalidName, fmt.Sprintf("%q is not a name for a key or certificate file", name),
			"use 1 to 64 letters, digits, '_' or '-' and one of "+strings.Join(Extensions, " "))
	}
	return nil
}

// Split cuts name into base and ending; ext is "" unless it is one of Extensions.
func Split(name string) (base, ext string) {
	for _, e := range Extensions {
		if b, ok := strings.CutSuffix(name, e); ok {
			return b, e
		}
	}
	return name, ""
}
