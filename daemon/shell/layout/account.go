package layout

import (
	"cmp"

	"quorate.org/daemon/account"
)

// Accounts is the list of the people who work on a node.
func Accounts(list []account.Account) string {
	yes := map[bool]string{true: "yes", false: "no"}
	set := map[bool]string{true: "set", false: "none"}
	rows := make([][]string, len(list))
	for i, a := range list {
		rows[i] = []string{a.Name, a.Role, set[a.Password], cmp.Or(a.Until, "never"), yes[a.Active]}
	}
	return Table([]string{"USERNAME", "ROLE", "PASSWORD", "EXPIRY", "LOGGED IN"}, rows)
}

// Keys is the list of the SSH keys that open accounts.
func Keys(list []account.Account) string {
	var rows [][]string
	for _, a := range list {
		for _, k := range a.Keys {
			rows = append(rows, []string{a.Name, k.Type, k.Fingerprint, k.Comment})
		}
	}
	return Table([]string{"USERNAME", "TYPE", "FINGERPRINT", "COMMENT"}, rows)
}
