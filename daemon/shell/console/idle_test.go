package console

import (
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A terminal left alone ends the line; one in use does not, however long the
// person takes.
func TestIdle(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	go func() { _, _ = io.Copy(io.Discard, master) }() // ends with the terminal
	c := Open(slave, slave, nil, nil)
	c.Idle = time.Hour
	if _, err := master.WriteString("status\r"); err != nil {
		t.Fatal(err)
	}
	if line, err := c.ReadLine("> "); err != nil || line != "status" {
		t.Errorf("read %q, %v", line, err)
	}
	c.Idle = 10 * time.Millisecond
	if line, err := c.ReadLine("> "); err != ErrIdle {
		t.Errorf("read %q, %v", line, err)
	}
	c.Restore()
}
