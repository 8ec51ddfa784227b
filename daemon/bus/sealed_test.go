package bus

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"quorate.org/daemon/fault"
)

func TestSealedMemory(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("KEY"), bytes.Repeat([]byte("0123456789"), 100000)} {
		f, err := sealedFile(data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("x"), 0); err == nil {
			t.Error("it can be changed")
		}
		if err := f.Truncate(1 << 20); err == nil {
			t.Error("it can grow")
		}
		got, err := readSealed(handedOver(t, f))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes became %d, %v", len(data), len(got), err)
		}
	}
	// Memory or a file that somebody can still change is not read.
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readSealed(handedOver(t, f)); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a plain file: %v", err)
	}
}

// handedOver is a descriptor as the other side of the bus gets it: its own.
func handedOver(t *testing.T, f *os.File) dbus.UnixFD {
	t.Helper()
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return dbus.UnixFD(fd)
}

func TestOnlyRootKeeps(t *testing.T) {
	for role, want := range map[Role]bool{None: false, Operator: false, Service: false, Admin: false, Root: true} {
		if role.may(accessRoot) != want {
			t.Errorf("%v may: %v", role, !want)
		}
	}
	for _, name := range []string{XmppName, CertificatesName} {
		rule, err := loadInterface(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{"Save", "Restore"} {
			if m := rule.methods[method]; m.access != accessRoot || !m.journal {
				t.Errorf("%s.%s: %+v", name, method, m)
			}
		}
	}
}
