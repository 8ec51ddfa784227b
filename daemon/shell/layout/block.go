package layout

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Field is one line of a block.
type Field struct{ Label, Value string }

// Column widths of the original: the label is padded to this many characters
// before " : ".
const (
	wide   = 23 // status blocks
	narrow = 13 // the lines below the peer list
	tight  = 10 // call bridges
)

// Block lays fields out with their labels padded to width, or to the longest.
func Block(width int, fields []Field) string {
	for _, f := range fields {
		width = max(width, utf8.RuneCountInString(f.Label))
	}
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(pad(f.Label, width))
		b.WriteString(" : ")
		b.WriteString(orNone(f.Value))
		b.WriteByte('\n')
	}
	return b.String()
}

// StatusBlock is Block at the width of the original's status blocks.
func StatusBlock(fields []Field) string { return Block(wide, fields) }

// Table lays rows out under a header, each column as wide as its widest cell.
// A table without rows is "none".
func Table(header []string, rows [][]string) string {
	if len(rows) == 0 {
		return "none\n"
	}
	all := append([][]string{header}, rows...)
	widths := make([]int, len(header))
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(orNone(cell)))
		}
	}
	var b strings.Builder
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(pad(orNone(cell), widths[i]+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func port(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// plural returns "1 failure", "2 failures".
func plural(n int, noun string) string {
	s := strconv.Itoa(n) + " " + noun
	if n != 1 {
		s += "s"
	}
	return s
}
