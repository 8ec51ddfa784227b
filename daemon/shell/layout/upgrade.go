package layout

import (
	"fmt"

	"quorate.org/daemon/bus"
)

// Upgrade returns what `upgrade` shows.
func Upgrade(u bus.Upgrade) string {
	fields := []Field{{Label: "Running", Value: u.Running}, {Label: "Next start", Value: u.Next}}
	if u.Act != "" {
		fields = append(fields, Field{Label: "Last", Value: u.Act}, Field{Label: "State", Value: progress(u)})
	}
	text := StatusBlock(fields)
	var versions [][]string
	for _, v := range u.Versions {
		versions = append(versions, []string{v.Version, v.State, v.Text})
	}
	if len(versions) > 0 {
		text += "\n" + Table([]string{"Version", "State", "Meaning"}, versions)
	}
	var files [][]string
	for _, f := range u.Updates {
		holds := "version " + f.Version
		if f.Problem != "" {
			holds = f.Problem
		}
		files = append(files, []string{f.File, fmt.Sprintf("%d MiB", f.Size>>20), holds})
	}
	if len(files) > 0 {
		text += "\n" + Table([]string{"Update", "Size", "Holds"}, files)
	}
	return text
}

// progress is how far the last act is, or how it ended.
func progress(u bus.Upgrade) string {
	switch {
	case u.Phase != bus.UpgradeDone:
		return fmt.Sprintf("%s (%d %%)", u.Phase, u.Percent)
	case u.Code != "":
		return "refused: " + u.Text
	}
	return u.Text
}
