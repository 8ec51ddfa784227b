package image

import (
	"regexp"
	"strconv"
	"strings"
)

// terminal is what a serial line shows: of ECMA-48, as much as the console's
// screen and the kernel before it use.
type terminal struct {
	cells    [rows][columns]rune
	row, col int
}

// The size of the console's screen.
const (
	rows    = 24
	columns = 80
)

// control is a control sequence or character, with its parameters and its end.
var control = regexp.MustCompile(`^(?:\x1b\[([0-9;?]*)([@-~])|\x1b[^\[]|[\r\n\x08])`)

// shown returns the lines that a terminal shows after a text came over the line.
func shown(text string) []string {
	t := &terminal{}
	t.clear(0)
	for text != "" {
		if m := control.FindStringSubmatch(text); m != nil {
			text = text[len(m[0]):]
			t.obey(m[0], m[1], m[2])
			continue
		}
		t.put(rune(text[0]))
		text = text[1:]
	}
	lines := make([]string, rows)
	for i, row := range t.cells {
		lines[i] = strings.TrimRight(string(row[:]), " ")
	}
	return lines
}

func (t *terminal) put(r rune) {
	if r < ' ' || t.col >= columns {
		return
	}
	t.cells[t.row][t.col] = r
	t.col++
}

func (t *terminal) obey(whole, parameters, end string) {
	switch {
	case whole == "\r":
		t.col = 0
	case whole == "\n" && t.row < rows-1:
		t.row++
	case whole == "\n":
		copy(t.cells[:], t.cells[1:])
		t.clear(rows - 1)
	case whole == "\b":
		t.col = max(t.col-1, 0)
	case end == "H":
		row, col, _ := strings.Cut(parameters, ";")
		t.row, t.col = at(row, rows), at(col, columns)
	case end == "J":
		t.clear(0)
	case end == "K":
		for i := t.col; i < columns; i++ {
			t.cells[t.row][i] = ' '
		}
	}
}

// at is a parameter that counts from 1, within bounds.
func at(parameter string, limit int) int {
	n, err := strconv.Atoi(parameter)
	if err != nil {
		return 0
	}
	return min(max(n, 1), limit) - 1
}

// clear empties the rows from one on.
func (t *terminal) clear(from int) {
	for i := from; i < rows; i++ {
		for j := range t.cells[i] {
			t.cells[i][j] = ' '
		}
	}
}
