package signin

import (
	"fmt"
	"os/user"
	"strconv"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// account is who signs in, in the numbers the kernel knows.
type account struct {
	user   string
	uid    uint32
	gid    uint32
	groups []uint32
	role   bus.Role
}

// find looks an account of this machine up.
func find(name string) (account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return account{}, fault.New(fault.Internal, fmt.Sprintf("looking the account up: %v", err))
	}
	ids, err := u.GroupIds()
	if err != nil {
		return account{}, fault.New(fault.Internal, fmt.Sprintf("looking the account's groups up: %v", err))
	}
	a := account{user: u.Username}
	numbers, err := parse(append([]string{u.Uid, u.Gid}, ids...))
	if err != nil {
		return account{}, err
	}
	a.uid, a.gid, a.groups = numbers[0], numbers[1], numbers[2:]
	a.role = bus.RoleOf(a.uid)
	return a, nil
}

func parse(ids []string) ([]uint32, error) {
	numbers := make([]uint32, len(ids))
	for i, id := range ids {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, fault.New(fault.Internal, fmt.Sprintf("reading the account's numbers: %v", err))
		}
		numbers[i] = uint32(n)
	}
	return numbers, nil
}

// known returns a name for the journal. One that is no account may be a
// password that was typed into the wrong field.
func known(name string) string {
	if _, err := user.Lookup(name); err != nil {
		return "an unknown name"
	}
	return name
}
