package layout

import (
	"fmt"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/logs"
)

// Backups returns the table of `backup list`. The name of a file and what it says
// of itself come from whoever uploaded it, and must not steer a terminal.
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
		rows = append(rows, []string{logs.Printable(b.File), fmt.Sprintf("%d KiB", (b.Size+1023)>>10), moment(b.Created), logs.Printable(of)})
	}
	return Table([]string{"File", "Size", "Made", "Node"}, rows)
}
