package image

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The OVA is an archive as DSP0243 §5.4 wants it, its checksums hold, and its disk
// is the image. What VMware makes of it is judged in package foreign.
func TestM4_2_OVA(t *testing.T) {
	dir := t.TempDir()
	names, sums := unpack(t, built("quorate.ova"), dir)
	if want := []string{"quorate.ovf", "quorate.mf", "quorate.vmdk"}; !cmp.Equal(names, want) {
		t.Errorf("it holds %v, want %v in this order", names, want)
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "quorate.mf"))
	must(t, err)
	want := fmt.Sprintf("SHA256(quorate.ovf)= %s\nSHA256(quorate.vmdk)= %s\n", sums["quorate.ovf"], sums["quorate.vmdk"])
	if diff := cmp.Diff(want, string(manifest)); diff != "" {
		t.Errorf("the manifest (-want +got):\n%s", diff)
	}
	disk := filepath.Join(dir, "quorate.vmdk")
	info := mustRun(t, dir, "qemu-img", "info", disk)
	for _, want := range []string{"create type: streamOptimized", "virtual size: 4 GiB"} {
		if !strings.Contains(info, want) {
			t.Errorf("qemu-img info does not say %q:\n%s", want, info)
		}
	}
	mustRun(t, dir, "qemu-img", "check", "-q", disk)
	mustRun(t, dir, "qemu-img", "compare", "-f", "vmdk", "-F", "raw", disk, built("quorate.raw"))
	mustRun(t, dir, "qemu-img", "compare", "-f", "qcow2", "-F", "raw", built("quorate.qcow2"), built("quorate.raw"))
	size := func(name string) int64 {
		info, err := os.Stat(name)
		must(t, err)
		return info.Size() >> 20
	}
	t.Logf("M4.2 OVA %d MiB, VMDK %d MiB, qcow2 %d MiB: checksums hold, each disk holds the image",
		size(built("quorate.ova")), size(disk), size(built("quorate.qcow2")))
}

// unpack writes an archive's files to a folder, and returns their names in order
// and their checksums.
func unpack(t *testing.T, name, dir string) (names []string, sums map[string]string) {
	t.Helper()
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	sums = map[string]string{}
	archive := tar.NewReader(f)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names, sums
		}
		must(t, err)
		out, err := os.Create(filepath.Join(dir, filepath.Base(h.Name)))
		must(t, err)
		sum := sha256.New()
		_, err = io.Copy(io.MultiWriter(out, sum), archive)
		must(t, errors.Join(err, out.Close()))
		names = append(names, h.Name)
		sums[h.Name] = fmt.Sprintf("%x", sum.Sum(nil))
	}
}
