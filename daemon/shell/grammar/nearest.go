package grammar

import "strings"

// Nearest returns how the command is typed whose words are the fewest typing
// errors away from these. When none is close, it is the help of the group they
// begin with, or "" without one.
func (t *Tree) Nearest(typed []string) string {
	var best *Command
	least := -1
	for _, c := range t.commands {
		for _, words := range c.names() {
			d, close := closeness(typed, words)
			if close && (least < 0 || d < least) {
				best, least = c, d
			}
		}
	}
	if best != nil {
		return best.Usage()
	}
	return t.helpFor(typed)
}

// names are the words of the command and its other names, but not the groups
// that mean it when they stand alone.
func (c *Command) names() []string {
	names := []string{c.Words}
	for _, also := range c.Also {
		if !strings.HasPrefix(c.Words, also+" ") {
			names = append(names, also)
		}
	}
	return names
}

// closeness counts the typing errors between a command and as many typed words
// as it has, and one fewer or more for a space too many or too few. Close is a
// quarter of the letters, or two. A first word left out is one error.
func closeness(typed []string, words string) (d int, close bool) {
	if strings.HasSuffix(words, " "+strings.ToLower(strings.Join(typed, " "))) {
		return 1, true
	}
	n := strings.Count(words, " ") + 1
	d = len(words)
	for k := max(1, n-1); k <= min(len(typed), n+1); k++ {
		d = min(d, distance(strings.ToLower(strings.Join(typed[:k], " ")), words))
	}
	return d, d <= max(2, len(words)/4) && d < len(words)-1
}

func (t *Tree) helpFor(typed []string) string {
	for k := len(typed); k > 0; k-- {
		group := strings.ToLower(strings.Join(typed[:k], " "))
		if len(t.Under(group)) > 0 {
			return "help " + group
		}
	}
	return ""
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
