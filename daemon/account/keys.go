package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/fault"
)

// keyFile is where sshd looks for the keys of an account (AuthorizedKeysFile). It
// is root's, so that nobody gives a key to an account by a file of their own.
func (s *Server) keyFile(name string) string {
	return filepath.Join(s.Root, "/etc/ssh/authorized_keys.d", name)
}

// lines are those of an account's key file.
func (s *Server) lines(name string) ([]string, error) {
	text, err := os.ReadFile(s.keyFile(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the keys of %s: %w", name, err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n"), nil
}

func (s *Server) keys(name string) ([]Key, error) {
	lines, err := s.lines(name)
	var out []Key
	for _, line := range lines {
		if k, ok := keyOf(line); ok {
			out = append(out, k)
		}
	}
	return out, err
}

// keyOf reads a line; options may stand before the type.
func keyOf(line string) (Key, bool) {
	fields := strings.Fields(line)
	at := slices.IndexFunc(fields, func(f string) bool { return slices.Contains(keyTypes, f) })
	if at < 0 || at+1 >= len(fields) || strings.HasPrefix(line, "#") {
		return Key{}, false
	}
	blob, err := base64.StdEncoding.DecodeString(fields[at+1])
	if err != nil {
		return Key{}, false
	}
	sum := sha256.Sum256(blob)
	return Key{Type: fields[at], Fingerprint: "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]), Comment: strings.Join(fields[at+2:], " ")}, true
}

func (s *Server) addKey(_ context.Context, r Request) error {
	if _, err := s.find(r.Name); err != nil {
		return err
	}
	line := words(r.Key)
	if err := CheckKey(line); err != nil {
		return fault.Mend(fault.InvalidArgument, err.Error(), "use the line of a public key file, such as ~/.ssh/id_ed25519.pub")
	}
	if kind, _, _ := strings.Cut(line, " "); !slices.Contains(keyTypes, kind) {
		return fault.Mend(fault.InvalidArgument, "something stands before the type of the key", "begin with the type, such as ssh-ed25519")
	}
	lines, err := s.lines(r.Name)
	if err != nil {
		return err
	}
	added, _ := keyOf(line)
	if slices.ContainsFunc(lines, func(l string) bool { k, ok := keyOf(l); return ok && k.Fingerprint == added.Fingerprint }) {
		return fault.New(fault.Exists, r.Name+" has this key already: "+added.Fingerprint)
	}
	return s.writeKeys(r.Name, append(lines, line))
}

func (s *Server) removeKey(_ context.Context, r Request) error {
	if _, err := s.find(r.Name); err != nil {
		return err
	}
	lines, err := s.lines(r.Name)
	if err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { k, ok := keyOf(l); return ok && k.Fingerprint == r.Key })
	if len(rest) == len(lines) {
		return fault.Mend(fault.NotFound, fmt.Sprintf("%s has no key %q", r.Name, r.Key), "ssh-key list "+r.Name)
	}
	if err := s.keepWayIn(r.Name, func(a *Account) {
		a.Keys = slices.DeleteFunc(slices.Clone(a.Keys), func(k Key) bool { return k.Fingerprint == r.Key })
	}); err != nil {
		return err
	}
	return s.writeKeys(r.Name, rest)
}

func (s *Server) writeKeys(name string, lines []string) error {
	text := strings.TrimSpace(strings.Join(lines, "\n")) + "\n"
	if err := os.MkdirAll(filepath.Dir(s.keyFile(name)), 0o755); err != nil {
		return fmt.Errorf("writing the keys of %s: %w", name, err)
	}
	if err := atomicfile.Replace(s.keyFile(name), []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the keys of %s: %w", name, err)
	}
	return nil
}
