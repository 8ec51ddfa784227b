package erase

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// twins is a machine with two disks that are alike to the names and UUIDs of their
// partitions, as the kernel shows it in sysfs: /usr is on the second partition of
// one, behind the device of dm-verity.
type twins struct {
	*testing.T
	dir string
}

func newTwins(t *testing.T, usr string) twins {
	w := twins{t, t.TempDir()}
	for _, disk := range []string{"vda", "vdb"} {
		for _, number := range []string{"1", "2", "3"} {
			w.put("devices/"+disk+"/"+disk+number+"/partition", number+"\n", 0o644)
			w.link("../../devices/"+disk+"/"+disk+number, "class/block/"+disk+number)
			w.put("dev/"+disk+number, "", 0o644)
		}
	}
	w.put("devices/dm-0/size", "1\n", 0o644)
	w.link("../../../devices/"+usr+"/"+usr+"2", "devices/dm-0/slaves/"+usr+"2")
	w.link("../../devices/dm-0", "dev/block/254:0")
	return w
}

func (w twins) put(name, text string, mode os.FileMode) {
	w.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		w.Fatal(err)
	}
}

func (w twins) link(to, name string) {
	w.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.Symlink(to, path); err != nil {
		w.Fatal(err)
	}
}

// What is marked is on the disk whose partition this node writes, not on a clone's.
func TestMarkedDisk(t *testing.T) {
	for _, disk := range []string{"vda", "vdb"} {
		w := newTwins(t, disk)
		w.link(disk+"3", "dev/quorate-partition")
		got, err := diskOf(filepath.Join(w.dir, "dev/quorate-partition"), w.dir)
		if err != nil || got != "/dev/"+disk {
			t.Errorf("the node writes on %s, and %s is marked: %v", disk, got, err)
		}
	}
}

// initrdScript finds the partition that is erased, and the one that is opened.
const initrdScript = "../../../image/initrd/tree/usr/libexec/quorate/partition"

// What the initrd erases is on the disk of /usr, though a clone's has a partition of
// the same name and UUID.
func TestErasedPartition(t *testing.T) {
	text, err := os.ReadFile(initrdScript)
	if err != nil {
		t.Fatal(err)
	}
	for _, disk := range []string{"vda", "vdb"} {
		w := newTwins(t, disk)
		w.put("partition", strings.ReplaceAll(string(text), "/sys/", w.dir+"/"), 0o755)
		w.put("bin/stat", "#!/bin/sh\necho 254:0\n", 0o755) // of /sysusr/usr
		w.put("bin/partx", "#!/bin/sh\nprintf '1 esp\\n2 quorate_0.1\\n3 quorate-erase\\n'\n", 0o755)
		cmd := exec.CommandContext(t.Context(), filepath.Join(w.dir, "partition"), condemned)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Join(w.dir, "bin")+":"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != "/dev/"+disk+"3\n" {
			t.Errorf("/usr is on %s, and erased is %q: %v", disk, out, err)
		}
	}
}
