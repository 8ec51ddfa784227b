package image

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

const passphrase = "correct horse battery"

// asked returns what a command answers at the prompt of a node, which must be no
// refusal.
func asked(t *testing.T, n *lab.Node, command string, answers ...string) string {
	t.Helper()
	out, err := n.Exec(t.Context(), command, answers...)
	if err != nil {
		t.Fatalf("%s> %s: %v\n%s", n.Name(), command, err, out)
	}
	return strings.TrimSpace(out)
}

// rooted returns what a command prints in the root shell of a node.
func rooted(t *testing.T, n *lab.Node, command string) string {
	t.Helper()
	out, err := n.Root(t.Context(), command)
	if err != nil {
		t.Fatalf("%s# %s: %v\n%s", n.Name(), command, err, out)
	}
	return strings.TrimSpace(out)
}

func nodeID(t *testing.T, n *lab.Node) string {
	t.Helper()
	s, err := n.ClusterStatus(t.Context())
	must(t, err)
	return s.NodeID
}

// A machine with a TPM has its disk encrypted from its first start on; one
// without has not, and each says which. When the TPM has forgotten, the console
// asks for the recovery key, and the TPM opens the disk again from then on. The same
// start is the rollback of an administrator to the version before.
func TestM4_4_Encryption(t *testing.T) {
	began := time.Now()
	l := appliances(t)
	plain, n := l.Members()[0], l.Members()[2]
	if out := rooted(t, plain, "findmnt --noheadings --output SOURCE /"); strings.Contains(out, "mapper") {
		t.Errorf("%s has no TPM, and its root is %s", plain.Name(), out)
	}
	if out, err := plain.Exec(t.Context(), "backup recovery_key"); !lab.Failed(err) || !strings.Contains(out, "not encrypted") {
		t.Errorf("%s, without a TPM, says %q", plain.Name(), out)
	}
	if out := rooted(t, n, "findmnt --noheadings --output SOURCE /; cat /run/quorate/unlocked"); out != "/dev/mapper/quorate-root\ntpm" {
		t.Fatalf("%s has a TPM, and its root is %q", n.Name(), out)
	}
	key, id := asked(t, n, "backup recovery_key"), nodeID(t, n)
	if !regexp.MustCompile(`^([a-z]{8}-){7}[a-z]{8}$`).MatchString(key) {
		t.Fatalf("the recovery key is %q", key)
	}
	before := rollBack(t, l, n)
	rooted(t, n, "sync") // the power is cut next
	must(t, n.Kill(t.Context()))
	must(t, n.LoseTPM())
	answered := answer(t, n, "Please enter", key+"\n")
	must(t, n.Start(t.Context()))
	<-answered
	must(t, l.WaitHealthy(t.Context(), 3*time.Minute))
	if got := nodeID(t, n); got != id {
		t.Errorf("the node ID is %s, want %s", got, id)
	}
	must(t, runs(t.Context(), n, before))
	must(t, has(t.Context(), n, next, bus.VersionAside))
	// The new TPM opens it: with its key alone one more is put into the head of LUKS, and taken out again.
	rooted(t, n, "systemctl is-active quorate-diskkey && NEWPASSWORD=once systemd-cryptenroll --unlock-tpm2-device=auto --password /dev/quorate/partition"+
		" && systemd-cryptenroll --wipe-slot=password /dev/quorate/partition")
	t.Logf("M4.4 %s: encrypted to its TPM; the TPM lost, opened by the recovery key at the console, bound to the new TPM, a member again, after %.0f s", n.Name(), time.Since(began).Seconds())
	t.Logf("M4.3 %s: upgrade rollback from version %s, and version %s runs, a member", n.Name(), next, before)
}

// rollBack has a node that was upgraded start the version before next, and returns
// which that is.
func rollBack(t *testing.T, l *lab.Lab, n *lab.Node) (before string) {
	t.Helper()
	if runs(t.Context(), n, next) != nil { // the tests of updates have not run
		install(t, newUpdate(t, next), n)
		asked(t, n, "reboot --yes")
		must(t, lab.Wait(t.Context(), 5*time.Minute, n.Name()+" to run version "+next, func() error { return runs(t.Context(), n, next) }))
		must(t, l.WaitHealthy(t.Context(), 3*time.Minute))
		must(t, lab.Wait(t.Context(), 3*time.Minute, "version "+next+" to have proven itself", func() error {
			return has(t.Context(), n, next, bus.VersionGood)
		}))
	}
	u, err := versions(t.Context(), n)
	must(t, err)
	for _, v := range u.Versions {
		if v.Version != next {
			before = v.Version
		}
	}
	if out := asked(t, n, "upgrade rollback --yes"); !strings.Contains(out, "version "+before+" starts when the node restarts") {
		t.Errorf("upgrade rollback says %q", out)
	}
	return before
}

// answer types a text at the serial console when it asks for it, and closes the
// channel then.
func answer(t *testing.T, n *lab.Node, question, text string) <-chan struct{} {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := lab.Wait(t.Context(), 4*time.Minute, "the console to ask for the "+question, func() error {
			out, err := os.ReadFile(filepath.Join(n.Dir(), "serial.log"))
			if err == nil && !bytes.Contains(out, []byte(question)) {
				return io.ErrUnexpectedEOF
			}
			return err
		}); err != nil {
			t.Error(err)
			return
		}
		if err := n.TypeSerial(t.Context(), text); err != nil {
			t.Error(err)
		}
	}()
	return done
}

// A node that was given away keeps no secret, neither in its files nor on the
// disk; and from its backup it comes back as itself, while traffic flows between
// the others. One has a disk that is not encrypted, the other's is.
func TestM4_4_ResetAndRestored(t *testing.T) {
	l := appliances(t)
	plain, encrypted := l.Members()[0], l.Members()[2]
	resetAndRestored(t, l, plain, func(secrets map[string]string) {
		if found := onDisk(t, plain, slices.Collect(maps.Values(secrets))); len(found) < len(secrets)/2 {
			t.Errorf("before the reset the disk holds %d of %d secrets: the search finds nothing", len(found), len(secrets))
		}
	}, func() {})
	head := rooted(t, encrypted, headOfLUKS)
	resetAndRestored(t, l, encrypted, func(map[string]string) {}, func() {
		if rooted(t, encrypted, headOfLUKS) == head {
			t.Error("the disk has the keys it had before")
		}
	})
}

// resetAndRestored is the life of one node; before and behind the reset is looked at
// what is special about it.
func resetAndRestored(t *testing.T, l *lab.Lab, n *lab.Node, before func(secrets map[string]string), behind func()) {
	t.Helper()
	began := time.Now()
	witnesses := slices.DeleteFunc(slices.Clone(l.Members()), func(o *lab.Node) bool { return o == n })
	id, settings := nodeID(t, n), asked(t, n, "config show")
	if out := asked(t, n, "backup snapshot safe", passphrase, passphrase); !strings.Contains(out, "SUCCESS") {
		t.Fatal(out)
	}
	data, err := n.Get(t.Context(), "safe.quorate-backup")
	must(t, err)
	secrets := planted(t, n)
	before(secrets)

	traffic := labtest.StartTraffic(t, l, witnesses[0], witnesses[1], 40)
	boot := rooted(t, n, "cat /proc/sys/kernel/random/boot_id")
	// The machine may be gone before the answer is through.
	if out, err := n.Exec(t.Context(), "factory_reset full --force"); lab.Failed(err) || strings.Contains(out, "FAILURE") {
		t.Fatalf("%v\n%s", err, out)
	}
	restarted(t, n, boot)
	behind()
	gone(t, n, secrets)
	if nodeID(t, n) == id {
		t.Error("the node has its ID still")
	}
	reset := time.Since(began)

	must(t, n.Put(t.Context(), "safe.quorate-backup", data))
	if preview := asked(t, n, "backup rollback safe --preview", passphrase); !strings.Contains(preview, id) {
		t.Errorf("the preview does not tell whose it is:\n%s", preview)
	}
	if out := asked(t, n, "backup rollback safe", passphrase); !strings.Contains(out, "SUCCESS: safe is restored") {
		t.Fatal(out)
	}
	must(t, l.WaitHealthy(t.Context(), 3*time.Minute))
	longest, sent := traffic.Stop()
	if got := nodeID(t, n); got != id {
		t.Errorf("the node ID is %s, want %s", got, id)
	}
	if got := asked(t, n, "config show"); got != settings {
		t.Errorf("the settings are\n%s\nand were\n%s", got, settings)
	}
	after := labtest.StartTraffic(t, l, witnesses[0], n, 40)
	after.Stop()
	t.Logf("M4.4 factory_reset full of %s: none of %d secrets is left after %.0f s; its backup restored, it is itself again after %.0f s; %d messages between the others meanwhile, longest gap %v",
		n.Name(), len(secrets), reset.Seconds(), time.Since(began).Seconds(), sent, longest.Round(time.Millisecond))
}

// headOfLUKS prints what is different in each head of LUKS: the UUID of the disk.
const headOfLUKS = "blkid --probe --match-tag UUID --output value /dev/quorate/partition"

// planted are secrets of a node, by what they are, as they stand on its disk.
func planted(t *testing.T, n *lab.Node) map[string]string {
	t.Helper()
	secrets := map[string]string{
		"a line of the journal": "marker-b51d0c7e44a9-journal",
		"a file in a home":      "marker-b51d0c7e44a9-home",
		"a network setting":     "marker-b51d0c7e44a9-network",
		"the password's hash":   rooted(t, n, "getent shadow admin | cut -d : -f 2"),
		"the host key":          hostKey(t, n),
		"a private key":         rooted(t, n, "cat /var/lib/quorate/cert/blobs/* | grep --text --after-context=1 --max-count=1 'PRIVATE KEY' | tail -n 1"),
	}
	bridges, err := n.Secrets(t.Context())
	must(t, err)
	for name, secret := range bridges {
		secrets["the secret of call bridge "+name] = secret
	}
	rooted(t, n, "echo "+secrets["a line of the journal"]+" | systemd-cat; journalctl --sync; echo "+secrets["a file in a home"]+" >/home/admin/note; echo '# "+
		secrets["a network setting"]+"' >/etc/systemd/network/90-marker.network; sync")
	for what, secret := range secrets {
		if len(secret) < 12 {
			t.Fatalf("%s is %q", what, secret)
		}
	}
	held := inFiles(t, n, secrets)
	for what := range secrets {
		if held[what] == nil && !strings.Contains(what, "call bridge") {
			t.Errorf("%s is nowhere before the reset", what)
		}
	}
	return secrets
}

// hostKey is a line of a node's host key.
func hostKey(t *testing.T, n *lab.Node) string {
	t.Helper()
	return rooted(t, n, "sed -n 3p /etc/ssh/ssh_host_ed25519_key")
}

// inFiles returns, for each secret, the files below /etc, /home, /root and /var that hold
// it, found in one pass. Programs' own memory, where the search itself is, is not among them.
func inFiles(t *testing.T, n *lab.Node, secrets map[string]string) map[string][]string {
	t.Helper()
	command := "grep --recursive --text --only-matching --fixed-strings"
	for _, secret := range secrets {
		command += " -e '" + secret + "'"
	}
	held := map[string][]string{}
	for line := range strings.Lines(rooted(t, n, command+" /etc /home /root /var | sort --unique")) {
		known := strings.Contains(line, "No such file") // one that was removed meanwhile
		for what, secret := range secrets {
			if file, found := strings.CutSuffix(strings.TrimSuffix(line, "\n"), ":"+secret); found {
				held[what], known = append(held[what], file), true
			}
		}
		if !known {
			t.Errorf("the search on %s says %s", n.Name(), line)
		}
	}
	return held
}

// gone looks for secrets in the files of a node, and on the whole of its disk as
// the hypervisor has it. What the machine is provisioned with at each start, the
// password's hash, is there again, inside the encryption.
func gone(t *testing.T, n *lab.Node, secrets map[string]string) {
	t.Helper()
	rooted(t, n, "sync")
	disk := slices.Collect(maps.Values(secrets))
	sought := maps.Clone(secrets)
	const present = "the host key of now" // which shows that the search finds
	sought[present] = hostKey(t, n)
	held := inFiles(t, n, sought)
	for what, files := range held {
		if what != "the password's hash" && what != present {
			t.Errorf("%s is still in %s", what, files)
		}
	}
	if held[present] == nil {
		t.Errorf("the search does not find %s", present)
	}
	// The machine is given the hash at each start: where the disk is not encrypted, it stands there again.
	if !encrypted(t, n) {
		disk = slices.DeleteFunc(disk, func(secret string) bool { return secret == secrets["the password's hash"] })
	}
	for _, found := range onDisk(t, n, disk) {
		t.Errorf("the disk holds %q", found)
	}
}

func encrypted(t *testing.T, n *lab.Node) bool {
	t.Helper()
	return strings.HasPrefix(rooted(t, n, "findmnt --noheadings --output SOURCE /"), "/dev/mapper/")
}

// onDisk returns which of some texts stand on the disk of a node, as the node could
// read it: what the host keeps of blocks that were overwritten is the host's.
func onDisk(t *testing.T, n *lab.Node, texts []string) (found []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	mustRun(t, n.Dir(), "qemu-img", "convert", "--force-share", "-f", "qcow2", "-O", "raw", "disk.qcow2", path)
	defer os.Remove(path)
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	const overlap = 4096 // longer than any text
	block := make([]byte, 8<<20)
	for at := int64(0); ; at += int64(len(block) - overlap) {
		read, err := f.ReadAt(block, at)
		for _, text := range texts {
			if bytes.Contains(block[:read], []byte(text)) && !slices.Contains(found, text) {
				found = append(found, text)
			}
		}
		if err == io.EOF {
			return found
		}
		must(t, err)
	}
}

// restarted waits until a node runs that is not in the boot it was in. Its host
// key is a new one.
func restarted(t *testing.T, n *lab.Node, boot string) {
	t.Helper()
	must(t, lab.Wait(t.Context(), 6*time.Minute, n.Name()+" to start again", func() error {
		must(t, n.ForgetHostKey(t.Context()))
		out, err := n.Root(t.Context(), "cat /proc/sys/kernel/random/boot_id")
		if err == nil && strings.TrimSpace(out) == boot {
			return io.ErrUnexpectedEOF
		}
		return err
	}))
	must(t, n.WaitShell(t.Context()))
}
