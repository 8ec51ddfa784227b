package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/pkg/sftp"
)

// Refusals. The words reach the person; the code is "permission denied".
var (
	errPrivate   = fmt.Errorf("private keys are not handed out, use pki export: %w", sftp.ErrSSHFxPermissionDenied)
	errForbidden = fmt.Errorf("not possible in the exchange folder: %w", sftp.ErrSSHFxPermissionDenied)
)

// partialSuffixes are what clients add while an upload is under way.
var partialSuffixes = []string{".filepart", ".part"}

// isKeyName reports whether a file of this name is taken for a private key.
func isKeyName(name string) bool {
	name = strings.ToLower(path.Base(name))
	for _, suffix := range partialSuffixes {
		name = strings.TrimSuffix(name, suffix)
	}
	return path.Ext(name) == ".key"
}

// keySearch is how much of a file is searched for a key, in bytes: more than
// any bundle with a key in it is long.
const keySearch = 256 << 10

// holdsKey reports whether a file has a private key in PEM, whatever its name.
func holdsKey(f *os.File) (bool, error) {
	head := make([]byte, keySearch)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return bytes.Contains(head[:n], []byte("PRIVATE KEY-----")), nil
}
