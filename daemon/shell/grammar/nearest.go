package grammar

import "strings"

// Nearest returns the command whose words are the fewest typing errors away
// from these, or nil when none is close: more than a third of the letters, and
// more than two, would have to change. A group's words that are right but
// lead nowhere count as their first command.
func (t *Tree) Nearest(typed []string) *Command {
	var best *Command
	least := -1
	for _, c := range t.commands {
		for _, words := range append([]string{c.Words}, c.Also...) {
			d, limit := closeness(typed, words)
			if d <= limit && (least < 0 || d < least || d == least && len(words) > len(best.Words)) {
				best, least = c, d
			}
		}
	}
	if best == nil {
		return t.firstUnder(typed)
	}
	return best
}

// closeness compares as many typed words as the command has, and one fewer or
// more for a space too many or too few.
func closeness(typed []string, words string) (d, limit int) {
	n := strings.Count(words, " ") + 1
	d = len(words)
	for k := max(1, n-1); k <= min(len(typed), n+1); k++ {
		d = min(d, distance(strings.ToLower(strings.Join(typed[:k], " ")), words))
	}
	return d, max(2, len(words)/3)
}

func (t *Tree) firstUnder(typed []string) *Command {
	for k := len(typed); k > 0; k-- {
		if under := t.Under(strings.ToLower(strings.Join(typed[:k], " "))); len(under) > 0 {
			return under[0]
		}
	}
	return nil
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
