package gpt_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"quorate.org/daemon/gpt"
)

// disk returns a disk of 8 MiB with three partitions, made by sfdisk(8).
func disk(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Truncate(8 << 20); err != nil {
		t.Fatal(err)
	}
	sfdisk(t, "label: gpt\nname=\"usr\", size=1M\nname=\"quorate-root\", size=1M\nname=\"quorate-root-2\", size=1M\n", f.Name())
	return f
}

func sfdisk(t *testing.T, input string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/sbin/sfdisk", args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	return string(out)
}

// Both copies are whole afterwards, and nothing but the name is another.
func TestRename(t *testing.T) {
	f := disk(t)
	before := sfdisk(t, "", "--dump", f.Name())
	if err := gpt.Rename(f, "quorate-root", "quorate-erase"); err != nil {
		t.Fatal(err)
	}
	if out := sfdisk(t, "", "--verify", f.Name()); !strings.Contains(out, "No errors detected") {
		t.Errorf("sfdisk finds:\n%s", out)
	}
	want := strings.Replace(before, `name="quorate-root"`, `name="quorate-erase"`, 1)
	if after := sfdisk(t, "", "--dump", f.Name()); after != want || want == before {
		t.Errorf("the table is\n%s\nand not\n%s", after, want)
	}
	if err := gpt.Rename(f, "quorate-root", "quorate-erase"); !errors.Is(err, gpt.ErrNoPartition) {
		t.Errorf("a partition that is not there: %v", err)
	}
}

// A table that is damaged anywhere is left as it is.
func TestRenameOfDamaged(t *testing.T) {
	const last = 8<<20 - 512
	for name, at := range map[string]int64{"header": 512 + 40, "entries": 1024 + 128, "header of the copy": last + 40, "entries of the copy": last - 32*512 + 128} {
		f := disk(t)
		if _, err := f.WriteAt([]byte{0xff, 0xff}, at); err != nil {
			t.Fatal(err)
		}
		before := read(t, f)
		if err := gpt.Rename(f, "quorate-root", "quorate-erase"); err == nil {
			t.Errorf("%s: a damaged table was written", name)
		}
		if !bytes.Equal(before, read(t, f)) {
			t.Errorf("%s: refused, and changed all the same", name)
		}
	}
}

func read(t *testing.T, f *os.File) []byte {
	t.Helper()
	data, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// log is a disk that notes what is done to it, in order.
type log struct {
	*os.File
	acts []string
}

func (l *log) WriteAt(p []byte, at int64) (int, error) {
	half := "first"
	if at > 4<<20 {
		half = "last"
	}
	l.acts = append(l.acts, half)
	return l.File.WriteAt(p, at)
}

func (l *log) Sync() error {
	l.acts = append(l.acts, "sync")
	return l.File.Sync()
}

// Power may be lost at any time: one copy is whole on the medium while the other
// is written.
func TestRenameInOrder(t *testing.T) {
	l := &log{File: disk(t)}
	if err := gpt.Rename(l, "quorate-root", "quorate-erase"); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(l.acts, " "), "last last sync first first sync"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
