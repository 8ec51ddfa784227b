package image

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// The fourth state, on one of the cluster's machines.
func TestM4_6_ConsoleOfMember(t *testing.T) {
	began := time.Now()
	letters := newAlphabet()
	l := appliances(t)
	m, n := memberOf(t, l)
	// A key lets either screen look again at once.
	must(t, n.TypeSerial(t.Context(), " "))
	must(t, m.ask("send-key", map[string]any{"keys": []map[string]string{{"type": "qcode", "data": "spc"}}}))
	m.shows(t, letters, "member",
		"of 3 voters reachable", "meet.example, ports open", "Clock", "Enter: sign in")
	t.Logf("M4.6 a member, on VGA as on the serial line, %d characters told apart: %.0f s", len(letters.glyphs), time.Since(began).Seconds())
}

// somebodysHash is that of a password that nobody needs, and somebodys a credential
// with it.
const (
	somebodysHash = "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"
	somebodys     = "type=11,value=io.systemd.credential:quorate.admin.hashed_password=" + somebodysHash
)

// labelled are QEMU's arguments for a disk labelled QUORATE that sets the node up.
func labelled(t *testing.T, settings string) []string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "node.conf"), []byte(settings), 0o644))
	mustRun(t, dir, "mformat", "-C", "-i", "disk", "-f", "1440", "-v", "QUORATE", "::")
	mustRun(t, dir, "mcopy", "-i", "disk", "node.conf", "::")
	return []string{"-drive", "if=virtio,format=raw,readonly=on,file=" + filepath.Join(dir, "disk")}
}

// machine is one with a screen and a serial line.
type machine struct {
	serial string // file with what came over the line
	ask    func(command string, arguments any) error
	off    func() // of a machine of its own
}

// Networks of a machine of its own: one with DHCP and no time server, and one with
// a link and nobody else.
const (
	outside = "user,id=lan"
	nowhere = "hubport,id=lan,hubid=0"
)

// newMachine starts a machine on a network, and ends it with the test at the latest.
func newMachine(t *testing.T, network string, more ...string) *machine {
	t.Helper()
	dir := t.TempDir()
	disk, serial, monitor := filepath.Join(dir, "disk"), filepath.Join(dir, "serial"), filepath.Join(dir, "qmp")
	mustRun(t, dir, "qemu-img", "create", "-q", "-f", "qcow2", "-b", built("quorate.raw"), "-F", "raw", disk)
	line, err := os.ReadFile(built("quorate.cmdline"))
	must(t, err)
	argv := []string{"-machine", "q35", "-m", "512", "-nodefaults", "-no-user-config", "-display", "none",
		"-device", "VGA", "-serial", "file:" + serial, "-qmp", "unix:" + monitor + ",server=on,wait=off",
		"-netdev", network, "-device", "virtio-net-pci,netdev=lan,romfile=", "-device", "virtio-rng-pci", "-drive", "if=virtio,format=qcow2,file=" + disk,
		"-kernel", built("quorate.vmlinuz"), "-initrd", built("quorate.initrd"), "-append", strings.Trim(string(line), "\x00 \n")}
	qemu := exec.Command("qemu-system-x86_64", slices.Concat(argv, lab.Accelerator(), more)...)
	var words bytes.Buffer
	qemu.Stderr = &words
	must(t, qemu.Start())
	off := func() {
		_ = qemu.Process.Kill() // it may be off already
		_ = qemu.Wait()
	}
	t.Cleanup(off)
	m := &machine{serial: serial, off: off, ask: func(command string, arguments any) error {
		_, err := lab.QMP(t.Context(), monitor, command, arguments)
		return err
	}}
	must(t, lab.Wait(t.Context(), time.Minute, "QEMU's monitor", func() error { return m.ask("query-status", nil) }))
	return m
}

// memberOf returns the machine of a cluster that has a screen.
func memberOf(t *testing.T, l *lab.Lab) (*machine, *lab.Node) {
	t.Helper()
	for i, n := range l.Members() {
		if !machines[i].Screen {
			continue
		}
		return &machine{serial: filepath.Join(l.Dir(), n.Name(), "serial.log"), ask: func(command string, arguments any) error {
			_, err := n.QMP(context.WithoutCancel(t.Context()), command, arguments)
			return err
		}}, n
	}
	t.Fatal("no machine of the cluster has a screen")
	return nil, nil
}

// shows waits until the serial line shows all the words, and the picture the same.
// Then the picture is kept.
func (m *machine) shows(t *testing.T, letters *alphabet, state string, words ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), state+".png")
	var lines []string
	err := lab.Wait(t.Context(), 5*time.Minute, "the console, "+state, func() error {
		text, err := os.ReadFile(m.serial)
		if err != nil {
			return err
		}
		lines = shown(string(text))
		flowing := strings.Join(strings.Fields(strings.Join(lines, " ")), " ") // whatever was wrapped
		for _, w := range words {
			if !strings.Contains(flowing, w) {
				return fmt.Errorf("the serial line does not say %q", w)
			}
		}
		picture, err := m.picture(file)
		if err != nil {
			return err
		}
		return letters.read(picture, lines)
	})
	if err != nil {
		t.Fatalf("%v; it shows:\n%s", err, strings.Join(lines, "\n"))
	}
	t.Logf("M4.6 %s:\n%s", state, strings.Join(lines, "\n"))
	keep(t, file, "console-"+state+".png")
}

// picture takes one of the screen.
func (m *machine) picture(file string) (image.Image, error) {
	if err := m.ask("screendump", map[string]any{"filename": file, "format": "png"}); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return png.Decode(bytes.NewReader(data))
}

// pictures are left in this folder; from there they are copied to docs/images.
const pictures = ".build/pictures"

// keep leaves a picture there.
func keep(t *testing.T, file, name string) {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	dir := filepath.Join(labtest.Root(), pictures)
	must(t, os.MkdirAll(dir, 0o755))
	must(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
}
