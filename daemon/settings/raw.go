package settings

import (
	"fmt"
	"strconv"
	"strings"
)

// Raw is what is set, by key, in plain Go: bool, int64, string, []string or
// []map[string]any. Keys that are not in it have their defaults.
type Raw map[string]any

// Convert checks one value of a key and brings it into the form Raw holds. The
// problem is nil when it is good.
func Convert(name string, in any) (any, *Problem) {
	k, ok := Find(name)
	if !ok {
		return nil, &Problem{Key: name, Reason: Unknown(name)}
	}
	out, err := k.convert(in)
	if err == nil && k.check != nil {
		err = k.check(out)
	}
	if err != nil {
		return nil, problem(name, err)
	}
	return out, nil
}

// Parse reads a value as a person types it after a key: true, 5222, 10s, a
// comma-separated list, or a text without quotes.
func Parse(name, text string) (any, *Problem) {
	k, ok := Find(name)
	if !ok {
		return nil, &Problem{Key: name, Reason: Unknown(name)}
	}
	var in any = text
	switch k.Type {
	case Bool:
		if b, err := strconv.ParseBool(text); err == nil {
			in = b
		}
	case Int:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			in = n
		}
	case List, Interfaces:
		in = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	case Bridges:
		return nil, &Problem{Key: name, Reason: "is not set as a text; use `xmpp callbridge add`"}
	}
	return Convert(name, in)
}

// Unknown says why a key is refused, with the nearest one there is.
func Unknown(name string) string {
	if near := nearest(name); near != "" {
		return fmt.Sprintf("unknown key; did you mean %s?", near)
	}
	return "unknown key"
}

// NearestSection returns the section a mistyped one stands for, or "".
func NearestSection(name string) string { return closest(name, sectionNames) }

func nearest(name string) string { return closest(name, keyNames) }

// closest returns the candidate at the least edit distance, if that is small
// against the length.
func closest(name string, candidates []string) string {
	best, at := "", max(2, len(name)/4)+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), c); d < at {
			best, at = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
