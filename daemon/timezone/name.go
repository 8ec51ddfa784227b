package timezone

import (
	"regexp"
	"sync"
)

// name is of at most three words, as the time zone database has them (tz, "Names of
// timezones"): a file below /usr/share/zoneinfo, and nothing above it. Made when it
// is needed: few processes of the node ask.
var name = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}$`)
})

// IsName says whether a time zone may be called so, on whatever system.
func IsName(zone string) bool { return name().MatchString(zone) }
