package account

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/password"
)

// names an account may have, in the letters that useradd(8) takes everywhere.
var names = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,30}$`)

// ours begins the names of the groups that carry roles and of the services'
// users.
const ours = "quorate-"

// add makes an account, or leaves nothing. Without a password only an SSH key
// opens it.
func (s *Server) add(ctx context.Context, r Request) error {
	group, known := groups[r.Role]
	switch {
	case !names.MatchString(r.Name):
		return fault.Mend(fault.InvalidName, fmt.Sprintf("%q is no name of an account", r.Name), "use a letter, then letters, digits, - and _, all small, 31 at most")
	case !known:
		return fault.Mend(fault.InvalidArgument, fmt.Sprintf("there is no role %q", r.Role), "use admin or operator")
	}
	if r.Password != "" {
		if err := password.Check(r.Password); err != nil {
			return err
		}
	}
	if err := s.free(r.Name); err != nil {
		return err
	}
	err := s.create(ctx, r, group)
	if err == nil && r.Password != "" {
		err = s.store(ctx, r)
	}
	if err == nil {
		return nil
	}
	if p, none := s.find(r.Name); none == nil {
		err = errors.Join(err, s.end(ctx, p))
	}
	return err
}

// free refuses a name that is taken. One that is a group's would come to be its
// owner: userdel(8) takes an account's name for that of its own group.
func (s *Server) free(name string) error {
	if strings.HasPrefix(name, ours) {
		return fault.Mend(fault.InvalidName, "names that begin with "+ours+" are the system's", "use another name")
	}
	for _, of := range []struct {
		file   string
		fields int
		what   string
	}{{"/etc/passwd", 7, "an account"}, {"/etc/group", 4, "a group"}} {
		rows, err := s.rows(of.file, of.fields)
		if err != nil {
			return err
		}
		for _, f := range rows {
			if f[0] == name {
				return fault.Mend(fault.Exists, fmt.Sprintf("there is %s %s already", of.what, name), "use another name; user list shows the accounts of people, the others are the system's")
			}
		}
	}
	return nil
}

// create has useradd(8) make the account. Nothing that was left of one by this
// name opens it.
func (s *Server) create(ctx context.Context, r Request, group string) error {
	if err := s.shut(r.Name); err != nil {
		return err
	}
	uid, err := s.takeUID()
	if err != nil {
		return err
	}
	argv := []string{"useradd", "--uid", uid, "--create-home", "--shell", shellPath, "--no-user-group", "--gid", group}
	if r.Role == Admin { // administrators are operators too, and read the journal
		argv = append(argv, "--groups", groups[Operator]+",systemd-journal")
	}
	return s.Tool(ctx, append(argv, r.Name)...)
}

// remove takes an account away with all that is its own, and ends its sessions.
func (s *Server) remove(ctx context.Context, r Request) error {
	p, err := s.findOther(r.Name)
	if err != nil {
		return err
	}
	if err := s.keepWayIn(p.name, func(a *Account) { a.Role = "" }); err != nil {
		return err
	}
	return s.end(ctx, p)
}

// end removes the account last: one whose removal was cut short opens to nobody,
// is still listed, and can be removed again.
func (s *Server) end(ctx context.Context, p person) error {
	if err := s.shut(p.name); err != nil {
		return err
	}
	if err := s.Tool(ctx, "usermod", "--expiredate", "1970-01-02", p.name); err != nil { // or it comes again while its processes end
		return err
	}
	if err := s.leave(ctx, p); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(s.Root, "/home", p.name)); err != nil {
		return fmt.Errorf("removing the files of %s: %w", p.name, err)
	}
	return s.Tool(ctx, "userdel", p.name)
}

// shut removes what an account has beside the system's own files: its SSH keys,
// and the count of its wrong passwords.
func (s *Server) shut(name string) error {
	return errors.Join(ignoreAbsent(os.Remove(s.keyFile(name))), s.forgive(name))
}
