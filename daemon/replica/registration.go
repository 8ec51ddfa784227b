package replica

import (
	"slices"

	"quorate.org/daemon/im"
)

// Registration returns whose registration at an app server has a name, and where
// (XEP-0357): any component may send an error with any name, so it is looked up and
// not looked for.
func (s *State) Registration(name string) (bare string, t im.Target, ok bool) {
	bare = s.registered.Get(name)
	list := s.User(bare).Noticed()
	if i := slices.IndexFunc(list, func(t im.Target) bool { return t.Name == name }); i >= 0 {
		return bare, list[i], true
	}
	return "", im.Target{}, false
}

// enterUser enters a user's data, nil for none, and the names of their registrations. s
// must be a fork.
func (s *State) enterUser(bare string, u *im.User) {
	if was := s.User(bare).Noticed(); !slices.EqualFunc(was, u.Noticed(), func(a, b im.Target) bool { return a.Name == b.Name }) {
		for _, t := range was {
			s.registered.remove(t.Name)
		}
		for _, t := range u.Noticed() {
			s.registered.set(t.Name, bare)
		}
	}
	if u.Empty() {
		s.Users.remove(bare)
	} else {
		s.Users.set(bare, u)
	}
}

// registrations are the names of all, as a state that is read anew has them.
func registrations(users *Table[*im.User]) Table[string] {
	all := map[string]string{}
	for bare, u := range users.each {
		for _, t := range u.Noticed() {
			all[t.Name] = bare
		}
	}
	return tableOf(all)
}
