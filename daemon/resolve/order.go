package resolve

import (
	"cmp"
	"slices"
)

// Order returns the servers in the order to try them: by priority, and among
// equals by weighted lot (RFC 2782). draw returns a number from 0 to n-1, each
// as likely.
func Order(servers []Server, draw func(n int) int) []Server {
	rest := slices.Clone(servers)
	// "place those with weight 0 at the beginning": they have a small chance.
	slices.SortStableFunc(rest, func(a, b Server) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(min(a.Weight, 1), min(b.Weight, 1)))
	})
	ordered := make([]Server, 0, len(rest))
	for len(rest) > 0 {
		i := pick(rest, draw)
		ordered = append(ordered, rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
	return ordered
}

// pick draws one of the servers that share the first's priority.
func pick(servers []Server, draw func(n int) int) int {
	sum := 0
	for _, s := range servers {
		if s.Priority == servers[0].Priority {
			sum += s.Weight
		}
	}
	lot, running := draw(sum+1), 0 // "between 0 and the sum computed (inclusive)"
	for i, s := range servers {
		if running += s.Weight; running >= lot {
			return i
		}
	}
	return 0 // not reached: the running sum ends at sum
}
