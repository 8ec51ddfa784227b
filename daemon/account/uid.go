package account

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/fault"
)

// uidFile keeps the least user ID that the next account may have.
const uidFile = "/var/lib/quorate/account/next-uid"

// The user IDs of people (UID_MIN and UID_MAX of login.defs(5)).
const firstUID, lastUID = 1000, 60000

// takeUID returns a user ID that no account had before: the services know who
// calls by it, so that what an account left open must not become another's.
func (s *Server) takeUID() (string, error) {
	uid, err := s.nextUID()
	if err != nil {
		return "", err
	}
	if uid > lastUID {
		return "", fault.New(fault.Unavailable, "there are no user IDs left for accounts")
	}
	path := filepath.Join(s.Root, uidFile)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("taking a user ID: %w", err)
	}
	if err := atomicfile.Replace(path, []byte(strconv.Itoa(uid+1)+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("taking a user ID: %w", err)
	}
	return strconv.Itoa(uid), nil
}

// nextUID is above all that there are and all that were given.
func (s *Server) nextUID() (int, error) {
	next := firstUID
	text, err := os.ReadFile(filepath.Join(s.Root, uidFile))
	if err == nil {
		next, err = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("reading the user ID of the next account: %w", err)
	}
	rows, err := s.rows("/etc/passwd", 7)
	for _, f := range rows {
		if uid, wrong := strconv.Atoi(f[2]); wrong == nil && uid >= next && uid <= lastUID {
			next = uid + 1
		}
	}
	return next, err
}
