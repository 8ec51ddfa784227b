package image

import (
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// The machines of appliances as they are at first, each on other hardware.
var machines = []lab.Hardware{
	{Devices: lab.Virtio, Disk: "qcow2", Firmware: lab.SecureBoot, Screen: true},
	{Devices: lab.VMware, Disk: "vmdk"},
	{Devices: lab.Classic, Disk: "vmdk", Firmware: lab.SecureBoot, TPM: true},
}

// appliances returns the cluster that the tests of this package share, healthy.
// The tests run in the order of their files, and each begins with what the one
// before left.
func appliances(t *testing.T) *lab.Lab {
	l, _ := labtest.Appliances(t, signed(""), machines...)
	return l
}

// The walkthrough, typed line by line on three machines.
func TestM2_1_Walkthrough(t *testing.T) {
	began := time.Now()
	l, transcript := labtest.Appliances(t, signed(""), machines...)
	must(t, l.Healthy(t.Context()))
	if transcript != "" {
		t.Logf("typed and answered:\n%s", transcript)
	}
	t.Logf("M2.1 three virtual machines: one LEADER and two FOLLOWERs after %.0f s", time.Since(began).Seconds())
}

// Three machines, each on other hardware, with disks of both formats, boot the
// signed image, and become one cluster by the walkthrough. Two boot it by a firmware
// that takes no other. The third's kernel is loaded directly: QEMU's firmware has
// no driver for pvscsi, as VMware's has.
func TestM4_2_Hardware(t *testing.T) {
	began := time.Now()
	l := appliances(t)
	must(t, l.Healthy(t.Context()))
	for i, n := range l.Members() {
		judge(t, n, machines[i])
	}
	t.Logf("M4.2 virtio from qcow2, pvscsi with vmxnet3 from VMDK, AHCI with e1000e from VMDK: one cluster after %.0f s", time.Since(began).Seconds())
}

// drivers are what the disk and the network card of the devices are driven by.
var drivers = map[lab.Devices][]string{
	lab.Virtio:  {"virtio_blk", "virtio_net"},
	lab.VMware:  {"vmw_pvscsi", "vmxnet3"},
	lab.Classic: {"ahci", "e1000e"},
}

// judge looks at one machine: its drivers, secure boot, its random numbers, and
// that nothing of it failed.
func judge(t *testing.T, n *lab.Node, h lab.Hardware) {
	t.Helper()
	ask := func(command string) string {
		out, err := n.Root(t.Context(), command)
		if err != nil {
			t.Errorf("%s: %s: %v", n.Name(), command, err)
		}
		return strings.TrimSpace(out)
	}
	loaded := ask("cut -d ' ' -f 1,3 /proc/modules")
	for _, driver := range drivers[h.Devices] {
		if !strings.Contains("\n"+loaded, "\n"+driver+" ") {
			t.Errorf("%s: %s is not loaded", n.Name(), driver)
		}
	}
	boot := "not booted by firmware"
	if h.Firmware == lab.SecureBoot {
		boot = ask("bootctl status 2>/dev/null | sed -n 's/^ *Secure Boot: //p'")
		if boot != "enabled (user)" {
			t.Errorf("%s: secure boot is %q", n.Name(), boot)
		}
	}
	if failed := ask("systemctl list-units --failed --plain --no-legend"); failed != "" {
		t.Errorf("%s: failed units:\n%s", n.Name(), failed)
	}
	ready := ask("journalctl --boot --dmesg --output=short-monotonic --no-pager --grep 'crng init done' | tail -n 1")
	if !strings.Contains(ready, "crng init done") {
		t.Errorf("%s: the kernel never had enough randomness: %q", n.Name(), ready)
	}
	random, _, _ := strings.Cut(strings.TrimPrefix(ready, "["), "]")
	t.Logf("M4.2 %s: %s; secure boot: %s; randomness %s s after the start", n.Name(), strings.Join(drivers[h.Devices], " and "), boot, strings.TrimSpace(random))
}
