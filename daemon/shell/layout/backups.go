package layout

import (
	"fmt"

	"quorate.org/daemon/bus"
)

// Backups returns the table of `backup list`.
func Backups(list []bus.Backup) string {
	if len(list) == 0 {
		return "no backups\n"
	}
	var rows [][]string
	for _, b := range list {
		of := fmt.Sprintf("%s (%s)", b.Host, b.Version)
		if b.Problem != "" {
			of = b.Problem
		}
		rows = append(rows, []string{b.File, fmt.Sprintf("%d KiB", (b.Size+1023)>>10), moment(b.Created), of})
	}
	return Table([]string{"File", "Size", "Made", "Node"}, rows)
}
