package account

import (
	"slices"
	"time"

	"quorate.org/daemon/fault"
)

// ever is a day by which every account has ended that ends at all.
const ever = "9999-12-31"

// keepWayIn refuses a change of an account after which no administrator could sign
// in any more, today or one day: who is at the console could still help, but a
// node may stand where nobody is.
func (s *Server) keepWayIn(name string, change func(*Account)) error {
	before, err := s.list()
	if err != nil {
		return err
	}
	after := slices.Clone(before)
	for i := range after {
		if after[i].Name == name {
			change(&after[i])
		}
	}
	for _, on := range []struct{ day, lost string }{
		{time.Now().UTC().Format(time.DateOnly), "this is the last way in for an administrator"},
		{ever, "this is the last way in for an administrator whose account never ends"},
	} {
		if slices.ContainsFunc(before, opensOn(on.day)) && !slices.ContainsFunc(after, opensOn(on.day)) {
			return fault.Mend(fault.WrongState, on.lost, "add another first: passwd admin, ssh-key add or user add")
		}
	}
	return nil
}

// opensOn says whether an account is an administrator's who can sign in on a day, by
// a password or a key.
func opensOn(day string) func(Account) bool {
	return func(a Account) bool {
		return a.Role == Admin && (a.Password || len(a.Keys) > 0) && (a.Until == "" || a.Until > day)
	}
}
