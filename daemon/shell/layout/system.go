package layout

import (
	"fmt"
	"strings"

	"quorate.org/daemon/bus"
)

// Settings lists each effective value and where it comes from.
func Settings(list []bus.Setting) string {
	rows := make([][]string, len(list))
	for i, s := range list {
		rows[i] = []string{s.Key, s.Value, s.Source}
	}
	return Table([]string{"KEY", "VALUE", "SOURCE"}, rows)
}

// Setting describes one key in full.
func Setting(s bus.Setting) string {
	return StatusBlock([]Field{
		{"Key", s.Key},
		{"Value", s.Value},
		{"Source", s.Source},
		{"Type", s.Type},
		{"Default", s.Default},
		{"Scope", s.Scope},
		{"Takes effect", s.Reload},
		{"Meaning", strings.Join(strings.Fields(s.Doc), " ")},
	})
}

// Units lists services with their state.
func Units(list []bus.Unit) string {
	rows := make([][]string, len(list))
	for i, u := range list {
		rows[i] = []string{u.Name, fmt.Sprintf("%s (%s)", u.Active, u.Sub), u.Description}
	}
	return Table([]string{"UNIT", "STATE", "DESCRIPTION"}, rows)
}
