package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Hardware is what a virtual machine boots on. The zero value is the lab's
// usual machine. A field that asks for one more device (a screen, a TPM) gets its
// arguments in devices, the files it needs of the image in files, and what it
// keeps beside the disk in blankFirmware.
type Hardware struct {
	Devices  Devices
	Firmware Firmware
	Disk     string // format of the image's disk: raw (or empty), qcow2 or vmdk
	Screen   bool   // a VGA card; the monitor's screendump shows what is on it: Node.QMP
	TPM      bool   // a TPM 2.0, which keeps its secrets as long as the machine its firmware's variables
}

// Devices are the disk controller and the network card.
type Devices string

// The devices a hypervisor offers.
const (
	Virtio  Devices = ""        // virtio for both, and for random numbers
	VMware  Devices = "vmware"  // pvscsi and vmxnet3
	Classic Devices = "classic" // AHCI and e1000e
)

// Firmware is how a virtual machine finds its kernel.
type Firmware string

// The ways to boot.
const (
	Direct     Firmware = ""            // QEMU loads kernel, initrd and command line of the image, whatever the disk has
	UEFI       Firmware = "uefi"        // from the disk, through systemd-boot
	SecureBoot Firmware = "secure boot" // the same, with the keys of scripts/sign
)

// Refit gives a node that is off other hardware, with the disk it has. The first
// start by a firmware finds that firmware's variables new.
func (n *Node) Refit(h Hardware) error {
	m, ok := n.machine.(*vm)
	if !ok {
		return errors.New("a local node has no hardware of its own")
	}
	if m.procs.pid("qemu") != 0 {
		return fmt.Errorf("%s is on", n.name)
	}
	h.Disk = m.hardware.Disk
	m.hardware = h
	return nil
}

func (l *Lab) hardwareOf(n *Node) (h Hardware) {
	if i := n.number - 1; i < len(l.cfg.Hardware) {
		h = l.cfg.Hardware[i]
	}
	return h
}

// suffix of the image's disk.
func (h Hardware) suffix() string {
	if h.Disk == "" {
		return "raw"
	}
	return h.Disk
}

// files are the suffixes of the image's files that the machine needs.
func (h Hardware) files() []string {
	switch h.Firmware {
	case Direct:
		return []string{h.suffix(), "vmlinuz", "initrd", "cmdline"}
	case SecureBoot:
		return []string{h.suffix(), "vars"}
	}
	return []string{h.suffix()}
}

// devices are QEMU's arguments for the disk in a file, for the network card on
// the lan and for what else was asked for. Cards have no ROM, which would ask the
// lab for a system to boot.
func (h Hardware) devices(disk, mac string) []string {
	// What the machine syncs is in this machine's memory and outlives QEMU; no boot waits for our disk.
	argv := []string{"-drive", "if=none,id=disk,format=qcow2,cache=unsafe,file=" + disk}
	first := ",bootindex=0"
	if h.Firmware == Direct { // what is loaded directly is the first already
		first = ""
	}
	switch h.Devices {
	case VMware:
		argv = append(argv, "-device", "pvscsi,id=scsi", "-device", "scsi-hd,bus=scsi.0,drive=disk"+first,
			"-device", "vmxnet3,netdev=lan,romfile=,mac="+mac)
	case Classic: // q35 has an AHCI controller, whose ports are ide.0 to ide.5
		argv = append(argv, "-device", "ide-hd,bus=ide.0,drive=disk"+first, "-device", "e1000e,netdev=lan,romfile=,mac="+mac)
	default:
		argv = append(argv, "-device", "virtio-blk-pci,drive=disk"+first, "-device", "virtio-net-pci,netdev=lan,romfile=,mac="+mac,
			"-device", "virtio-rng-pci")
	}
	if h.Screen {
		argv = append(argv, "-device", "VGA")
	}
	return argv
}

// tpm are QEMU's arguments for the emulator that startTPM starts.
func (m *vm) tpm() []string {
	if !m.hardware.TPM {
		return nil
	}
	return []string{"-chardev", "socket,id=tpm,path=" + m.tpmSocket(), "-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm"}
}

func (m *vm) tpmSocket() string { return filepath.Join(m.dir, "tpm.sock") }
func (m *vm) tpmState() string  { return filepath.Join(m.dir, "tpm") }

// startTPM starts an emulator of a TPM (swtpm(8)) that ends with the machine.
func (m *vm) startTPM(ctx context.Context) error {
	if !m.hardware.TPM {
		return nil
	}
	if err := os.MkdirAll(m.tpmState(), 0o700); err != nil {
		return fmt.Errorf("making the state of the TPM: %w", err)
	}
	_ = os.Remove(m.tpmSocket()) // of the last time
	err := m.procs.start(ctx, spec{name: "swtpm", log: filepath.Join(m.dir, "swtpm.log"), argv: []string{"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + m.tpmState(),
		"--ctrl", "type=unixio,path=" + m.tpmSocket(), "--flags", "startup-clear", "--terminate"}})
	if err != nil {
		return err
	}
	return Wait(ctx, 10*time.Second, "the TPM of "+m.name, func() error {
		_, err := os.Stat(m.tpmSocket())
		return err
	})
}

// LoseTPM takes the secrets of a machine's TPM away; the machine is off.
func (n *Node) LoseTPM() error {
	m, ok := n.machine.(*vm)
	if !ok {
		return errors.New("a local node has no TPM of its own")
	}
	if err := os.RemoveAll(m.tpmState()); err != nil {
		return fmt.Errorf("removing the state of the TPM: %w", err)
	}
	return nil
}

// ovmf is where Debian 12 and 13 install QEMU's UEFI firmware.
const ovmf = "/usr/share/OVMF"

// boot are QEMU's arguments for how the machine finds its kernel. One whose kernel
// is loaded directly ends where it would start again: it could not start another
// version.
func (m *vm) boot() ([]string, error) {
	switch m.hardware.Firmware {
	case UEFI:
		return firmware("OVMF_CODE_4M.fd", m.vars()), nil
	case SecureBoot: // only system management mode may write the variables with the keys
		return slices.Concat([]string{"-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"},
			firmware("OVMF_CODE_4M.secboot.fd", m.vars())), nil
	}
	cmdline, err := os.ReadFile(m.image("cmdline"))
	if err != nil {
		return nil, fmt.Errorf("reading the image's kernel command line: %w", err)
	}
	line := strings.Trim(string(cmdline), "\x00 \n") // a section of the UKI, padded
	return []string{"-no-reboot", "-kernel", m.image("vmlinuz"), "-initrd", m.image("initrd"), "-append", line}, nil
}

func firmware(code, vars string) []string {
	return []string{"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + filepath.Join(ovmf, code),
		"-drive", "if=pflash,unit=1,format=raw,file=" + vars}
}

// vars is the file with the variables of the machine's firmware.
func (m *vm) vars() string {
	return filepath.Join(m.dir, strings.ReplaceAll(string(m.hardware.Firmware), " ", "-")+".vars")
}

// blankFirmware makes the machine's firmware and TPM forget.
func (m *vm) blankFirmware() error {
	if err := os.Remove(m.vars()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the firmware's variables: %w", err)
	}
	return m.LoseTPM()
}

// newFirmware gives the machine the variables of a new one if it has none.
func (m *vm) newFirmware() error {
	from := filepath.Join(ovmf, "OVMF_VARS_4M.fd")
	if _, err := os.Stat(m.vars()); err == nil || m.hardware.Firmware == Direct {
		return nil
	}
	if m.hardware.Firmware == SecureBoot {
		from = m.image("vars")
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("reading the firmware's variables: %w", err)
	}
	if err := os.WriteFile(m.vars(), data, 0o644); err != nil {
		return fmt.Errorf("writing the firmware's variables: %w", err)
	}
	return nil
}
