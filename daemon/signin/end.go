package signin

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"quorate.org/daemon/atomicfile"
)

// ends is the folder beside the socket where it is written that the sessions of
// an account end: a file of the account's name, with another text each time.
const ends = "signed-out"

// End ends the sessions of an account that were opened at a socket, and those
// that are being opened. Only root may.
func End(socket, user string) error {
	dir := filepath.Join(filepath.Dir(socket), ends)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("ending the sessions of %s: %w", user, err)
	}
	if err := atomicfile.Replace(filepath.Join(dir, user), []byte(rand.Text()), 0o644); err != nil {
		return fmt.Errorf("ending the sessions of %s: %w", user, err)
	}
	return nil
}

// term returns what was last written for an account; nothing is the same as
// empty. What somebody typed for a name leads to no other folder.
func term(socket, user string) (string, error) {
	f, err := os.OpenInRoot(filepath.Join(filepath.Dir(socket), ends), user)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	return string(text), err
}
