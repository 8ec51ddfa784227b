package update

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// versions are numbers between dots. systemd-boot and systemd-sysupdate order
// them as Compare does.
var versions = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})(\.(0|[1-9][0-9]{0,5})){0,3}$`)

// ValidVersion says whether a version is one to four numbers between dots.
func ValidVersion(v string) bool { return versions.MatchString(v) }

// Compare orders two valid versions: negative when a is older than b. One that
// goes on where the other ends is the newer one.
func Compare(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		if c := cmp.Compare(number(as[i]), number(bs[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(as), len(bs))
}

// number of something that is none is 0: such versions are refused before.
func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
