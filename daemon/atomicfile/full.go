package atomicfile

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"quorate.org/daemon/fault"
)

// inWords makes a fault of a disk, or a share of one, without room; errors.Is
// still finds the cause. Any other error is returned as it is.
func inWords(path string, err error) error {
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) {
		return err
	}
	return fmt.Errorf("%w (%w)", fault.Mend(fault.DiskFull, "there is no room left on the disk for "+path, "journalctl --vacuum-size=100M"), err)
}
