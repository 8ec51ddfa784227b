package image

import (
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
)

// A node whose disk is put into another machine comes back as itself: from VMware's
// devices, with its kernel loaded, to virtio, with the kernel on the disk.
func TestM4_2_Moved(t *testing.T) {
	began := time.Now()
	l := appliances(t)
	n := l.Members()[1]
	bootByFirmware(t, l, n)
	judge(t, n, lab.Hardware{Devices: lab.Virtio, Firmware: lab.SecureBoot})
	t.Logf("M4.2 the disk of %s, moved from pvscsi and vmxnet3 to virtio: a member again after %.0f s", n.Name(), time.Since(began).Seconds())
}

// bootByFirmware starts a node again as a machine of virtio devices that finds its
// kernel on the disk, unless it was booted by firmware already: one whose kernel is
// loaded directly never starts another version.
func bootByFirmware(t *testing.T, l *lab.Lab, n *lab.Node) {
	t.Helper()
	if _, err := n.Root(t.Context(), "test -d /sys/firmware/efi"); err == nil {
		return
	}
	_, err := n.Root(t.Context(), "sync") // the power is cut next
	must(t, err)
	must(t, n.Kill(t.Context()))
	must(t, n.Refit(lab.Hardware{Firmware: lab.SecureBoot}))
	must(t, n.Start(t.Context()))
	must(t, l.WaitHealthy(t.Context(), 3*time.Minute))
}
