package image

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// signed returns a file of what scripts/sign made.
func signed(name string) string { return filepath.Join(labtest.Root(), ".build/signed", name) }

// A disk whose kernel is not signed does not boot where keys are enrolled,
// though its boot loader is signed.
func TestM4_2_UnsignedRefused(t *testing.T) {
	began := time.Now()
	dir := t.TempDir()
	for _, name := range []string{"quorate.raw", "quorate.vars"} {
		mustRun(t, dir, "cp", "--sparse=always", "--reflink=auto", signed(name), dir)
	}
	esp := filepath.Join(dir, "quorate.raw") + "@@1M"
	kernels := strings.Fields(mustRun(t, dir, "mdir", "-b", "-i", esp, "::/EFI/Linux"))
	if len(kernels) != 1 {
		t.Fatalf("the disk has the kernels %v", kernels)
	}
	mustRun(t, dir, "mcopy", "-o", "-i", esp, built("quorate.efi"), kernels[0])
	serial := filepath.Join(dir, "serial.log")
	machine := exec.CommandContext(t.Context(), "qemu-system-x86_64", "-machine", "q35,smm=on", "-accel", "tcg", "-cpu", "max", "-m", "512",
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "file:"+serial,
		"-global", "driver=cfi.pflash01,property=secure,value=on",
		"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
		"-drive", "if=pflash,unit=1,format=raw,file="+filepath.Join(dir, "quorate.vars"),
		"-drive", "if=virtio,format=raw,file="+filepath.Join(dir, "quorate.raw"))
	must(t, machine.Start())
	defer func() {
		_ = machine.Process.Kill() // it waits for a key
		_ = machine.Wait()
	}()
	must(t, lab.Wait(t.Context(), 3*time.Minute, "the firmware to refuse the kernel", func() error {
		text, err := os.ReadFile(serial)
		if err == nil && !refusal.Match(text) {
			err = fmt.Errorf("its console says %q", text[max(0, len(text)-300):])
		}
		return err
	}))
	text, err := os.ReadFile(serial)
	must(t, err)
	t.Logf("M4.2 a kernel without a signature: %q after %.0f s", refusal.Find(text), time.Since(began).Seconds())
}

// refusal is what firmware and boot loader say of a program whose signature is
// not among the keys.
var refusal = regexp.MustCompile(`(?i)(error loading [^\n\r\x1b]*)?(access denied|security (policy )?violation)`)
