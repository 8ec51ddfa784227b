package bundle

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/service"
)

// nameForm is a file name without folders that is no option and not hidden.
var nameForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}$`) })

// CheckName refuses what is not the name of a file in the exchange folder.
func CheckName(name string) error {
	if !nameForm().MatchString(name) {
		return fault.Mend(fault.InvalidName, fmt.Sprintf("%q is not a file name", name), "use letters, digits, dots, dashes and underscores")
	}
	return nil
}

// Deposit writes a new file into the exchange folder and returns its size in
// bytes. It appears under its name when fill has written all of it; when fill
// fails nothing is left.
func Deposit(name string, fill func(io.Writer) error) (size int64, err error) {
	if err := CheckName(name); err != nil {
		return 0, err
	}
	path := filepath.Join(service.Exchange(), name)
	if _, err := os.Lstat(path); err == nil {
		return 0, exists(name) // before the work
	}
	var filling error
	size, err = atomicfile.Create(path, 0o640, func(w io.Writer) error { // the folder's group may fetch it
		filling = fill(w)
		return filling
	})
	switch {
	case filling != nil:
		return 0, filling
	case errors.Is(err, fs.ErrExist):
		return 0, exists(name)
	case err != nil:
		return 0, depositFault(name, err)
	}
	return size, nil
}

func exists(name string) error {
	return fault.Mend(fault.Exists, "there is a file "+name+" already", "choose another name, or delete it by SFTP")
}

func depositFault(name string, err error) error {
	return fault.Mend(fault.Unavailable, fmt.Sprintf("writing %s to the exchange folder failed: %v", name, err), "df; ls by SFTP")
}

// Size returns a number of bytes for a person to read.
func Size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
