package upgrade

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"

	"quorate.org/daemon/fault"
)

// Sysupdate has systemd-sysupdate write the parts of a version as the transfer
// files in /usr/lib/sysupdate.d say: into the set that does not run.
func Sysupdate(ctx context.Context, version string) error {
	cmd := exec.CommandContext(ctx, "/usr/lib/systemd/systemd-sysupdate", "--no-pager", "update", version)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		lines := bytes.Split(bytes.TrimSpace(said.Bytes()), []byte("\n"))
		return fault.Mend(fault.Internal, fmt.Sprintf("version %s could not be written: %s (%v)", version, lines[len(lines)-1], err),
			"journalctl -t upgrade; version and data of this node are as they were")
	}
	return nil
}
