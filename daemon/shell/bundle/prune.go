package bundle

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"quorate.org/daemon/service"
)

// bundleForm is the name of a log bundle, with the moment it was made.
var bundleForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^logbundle-[A-Za-z0-9-]+-([0-9]{8}T[0-9]{6}Z)\.tar\.gz$`)
})

// Prune removes the log bundles in the exchange folder but the newest, and returns
// the names of those removed, oldest first.
func Prune(keep int) (removed []string, err error) {
	entries, err := os.ReadDir(service.Exchange())
	if err != nil {
		return nil, err
	}
	made := map[string]string{} // by name
	var names []string
	for _, e := range entries {
		if m := bundleForm().FindStringSubmatch(e.Name()); m != nil {
			made[e.Name()] = m[1]
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(made[a], made[b]) })
	var failed error
	for _, name := range names[:max(0, len(names)-keep)] {
		if err := os.Remove(filepath.Join(service.Exchange(), name)); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		removed = append(removed, name)
	}
	return removed, failed
}
