package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/update"
)

// tries is how often a new version may start before the other one is taken
// (TriesLeft= of the transfer file, and what a second chance gets).
const tries = 3

// image is a kernel image on the EFI system partition. Its name has the version
// and, until it has proven itself, the starts left and the starts in vain
// (systemd.boot-loader-specification, "Boot counting").
type image struct {
	name    string
	version string
	counted bool
	left    int
	done    int
}

var imageNames = regexp.MustCompile(`^quorate_([0-9.]+?)(?:\+([0-9]{1,3})(?:-([0-9]{1,3}))?)?\.efi$`)

func parseImage(name string) (image, bool) {
	f := imageNames.FindStringSubmatch(name)
	if f == nil || !update.ValidVersion(f[1]) {
		return image{}, false
	}
	i := image{name: name, version: f[1], counted: f[2] != ""}
	i.left, _ = strconv.Atoi(f[2]) // digits by the pattern, or none
	i.done, _ = strconv.Atoi(f[3])
	return i, true
}

// images lists what is there, the newest version first.
func images(folder string) ([]image, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the kernel images: %w", err)
	}
	var list []image
	for _, f := range files {
		if i, ok := parseImage(f.Name()); ok {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b image) int { return update.Compare(b.version, a.version) })
	return list, nil
}

// spent says that the boot loader takes it only when there is no other.
func (i image) spent() bool { return i.counted && i.left == 0 }

// failed says that it is spent because it never came up; one that was set aside
// has no starts in vain.
func (i image) failed() bool { return i.spent() && i.done > 0 }

// next returns the version that systemd-boot starts: the newest that is not
// spent, or else the newest.
func next(list []image) string {
	for _, i := range list {
		if !i.spent() {
			return i.version
		}
	}
	if len(list) > 0 {
		return list[0].version
	}
	return ""
}

// state is what becomes of an image, in a word and in words.
func (i image) state(running string) (state, text string) {
	switch {
	case i.left+i.done > 0 && i.version == running: // its last start, too, may be the one it comes up in
		return bus.VersionTrial, "runs on trial"
	case i.failed():
		return bus.VersionFailed, fmt.Sprintf("did not come up in %d starts and was undone", i.done)
	case i.spent():
		return bus.VersionAside, "set aside by a rollback"
	case i.counted:
		return bus.VersionTrial, fmt.Sprintf("new, may start %d times until it has proven itself", i.left)
	}
	return bus.VersionGood, "has proven itself"
}

// renamed gives an image another count; a negative one takes the count away. It
// is on disk when it returns.
func (i image) renamed(folder string, left int) error {
	name := "quorate_" + i.version + ".efi"
	if left >= 0 {
		name = fmt.Sprintf("quorate_%s+%d-0.efi", i.version, left)
	}
	if name == i.name {
		return nil
	}
	if err := os.Rename(filepath.Join(folder, i.name), filepath.Join(folder, name)); err != nil {
		return fmt.Errorf("renaming a kernel image: %w", err)
	}
	return syncFolder(folder)
}

func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("writing %s to disk: %w", folder, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil && !errors.Is(err, fs.ErrInvalid) {
		return fmt.Errorf("writing %s to disk: %w", folder, err)
	}
	return nil
}
