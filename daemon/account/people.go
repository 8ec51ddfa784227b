package account

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"quorate.org/daemon/fault"
)

// shellPath is the login shell of people; who has another is none of them.
const shellPath = "/usr/bin/mmp"

// The roles, and the groups that carry them.
const (
	Admin    = "admin"
	Operator = "operator"
)

var groups = map[string]string{Admin: "quorate-admin", Operator: "quorate-operator"}

// person is a line of passwd(5).
type person struct {
	name     string
	uid, gid string
}

func (s *Server) people() (out []person, err error) {
	rows, err := s.rows("/etc/passwd", 7)
	for _, f := range rows {
		if f[6] == shellPath {
			out = append(out, person{name: f[0], uid: f[2], gid: f[3]})
		}
	}
	return out, err
}

// rows splits a file of fields between colons; lines with fewer are left out.
func (s *Server) rows(name string, fields int) (out [][]string, err error) {
	f, err := os.Open(filepath.Join(s.Root, name))
	if err != nil {
		return nil, fmt.Errorf("reading the accounts: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if row := strings.Split(lines.Text(), ":"); len(row) >= fields {
			out = append(out, row)
		}
	}
	return out, lines.Err()
}

func (s *Server) find(name string) (person, error) {
	all, err := s.people()
	if err != nil {
		return person{}, err
	}
	if i := slices.IndexFunc(all, func(p person) bool { return p.name == name }); i >= 0 {
		return all[i], nil
	}
	return person{}, fault.Mend(fault.NotFound, fmt.Sprintf("there is no account %q", name), "user list shows them")
}

func (s *Server) list() ([]Account, error) {
	all, err := s.people()
	if err != nil {
		return nil, err
	}
	memberships, err := s.rows("/etc/group", 4)
	if err != nil {
		return nil, err
	}
	shadow, err := s.rows("/etc/shadow", 8)
	if err != nil {
		return nil, err
	}
	var out []Account
	for _, p := range all {
		a := Account{Name: p.name, Role: roleOf(p, memberships), Active: len(s.processes(p.uid)) > 0}
		for _, f := range shadow {
			if f[0] == p.name {
				a.Password = f[1] != "" && !strings.ContainsAny(f[1][:1], "!*")
				a.Until = day(f[7])
			}
		}
		if a.Keys, err = s.keys(p.name); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func roleOf(p person, memberships [][]string) string {
	for _, role := range []string{Admin, Operator} {
		for _, f := range memberships {
			if f[0] == groups[role] && (f[2] == p.gid || slices.Contains(strings.Split(f[3], ","), p.name)) {
				return role
			}
		}
	}
	return "none"
}

// day is a day of shadow(5), counted from 1970-01-01.
func day(count string) string {
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return ""
	}
	return time.Unix(int64(n)*24*3600, 0).UTC().Format(time.DateOnly)
}

// processes are those that run under a user ID.
func (s *Server) processes(uid string) (pids []int) {
	entries, err := os.ReadDir(filepath.Join(s.Root, "/proc"))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && strconv.FormatUint(uint64(st.Uid), 10) == uid {
			pids = append(pids, pid)
		}
	}
	return pids
}
