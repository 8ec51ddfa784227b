package shell

import (
	"os"
	"os/user"
	"strconv"

	"quorate.org/daemon/shell/grammar"
)

// adminGroup is the group whose members may change things.
const adminGroup = "quorate-admin"

// ownRole returns the role of whoever runs this process. The services decide
// for themselves; the shell asks so that it can refuse in words.
func ownRole() grammar.Role {
	if os.Geteuid() == 0 {
		return grammar.Admin
	}
	group, err := user.LookupGroup(adminGroup)
	if err != nil {
		return grammar.Operator
	}
	groups, err := os.Getgroups()
	if err != nil {
		return grammar.Operator
	}
	for _, g := range append(groups, os.Getegid()) {
		if strconv.Itoa(g) == group.Gid {
			return grammar.Admin
		}
	}
	return grammar.Operator
}
