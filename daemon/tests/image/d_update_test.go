package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
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

// next and broken are the versions behind the one of the image.
const next, broken = "0.2", "0.3"

// Three nodes are upgraded one after the other, the leader last, while messages
// pass between the two that do not restart: none is lost, doubled or out of order.
func TestM4_3_RollingUpdate(t *testing.T) {
	began := time.Now()
	l := appliances(t)
	for _, n := range l.Members() {
		bootByFirmware(t, l, n)
	}
	update := newUpdate(t, next)
	leader, followers, err := l.Leader(t.Context())
	must(t, err)
	sent := 0
	for _, n := range append(followers, leader) {
		tr := traffic(t, l, n)
		if n == leader {
			installFrom(t, serve(t, l, update), n)
		} else {
			install(t, update, n)
		}
		installed := time.Since(began)
		_, err := n.Exec(t.Context(), "reboot --yes")
		must(t, err)
		must(t, lab.Wait(t.Context(), 5*time.Minute, n.Name()+" to run version "+next, func() error { return runs(t.Context(), n, next) }))
		must(t, l.WaitHealthy(t.Context(), 3*time.Minute))
		gap, messages := tr.Stop()
		sent += messages
		t.Logf("M4.3 version %s installed on %s after %.0f s, running after %.0f s; longest gap between messages of the others %v",
			next, n.Name(), installed.Seconds(), time.Since(began).Seconds(), gap.Round(time.Millisecond))
	}
	for _, n := range l.Members() {
		must(t, lab.Wait(t.Context(), time.Minute, "the versions in the status of "+n.Name(), func() error { return tells(t.Context(), n, next) }))
		must(t, lab.Wait(t.Context(), 3*time.Minute, "version "+next+" of "+n.Name()+" to have proven itself", func() error {
			return has(t.Context(), n, next, bus.VersionGood)
		}))
	}
	t.Logf("M4.3 three nodes upgraded to version %s while %d messages passed: none lost, doubled or reordered; %.0f s", next, sent, time.Since(began).Seconds())
}

// traffic starts messages between the nodes other than one, 20 a second.
func traffic(t *testing.T, l *lab.Lab, without *lab.Node) *labtest.Traffic {
	t.Helper()
	others := slices.DeleteFunc(slices.Clone(l.Members()), func(n *lab.Node) bool { return n == without })
	return labtest.StartTraffic(t, l, others[0], others[1], 20)
}

// A version whose XMPP service ends at once is started three times; then the one
// before runs again, without anybody's help, and everything tells of it. The first
// start is given up by the machine itself; to save time the two others are cut off.
func TestM4_3_BrokenRollsBack(t *testing.T) {
	l := appliances(t)
	n := l.Members()[1]
	folder := t.TempDir()
	program := filepath.Join(folder, "usr/libexec/quorate/xmppd")
	must(t, os.MkdirAll(filepath.Dir(program), 0o755))
	must(t, os.WriteFile(program, []byte("#!/bin/sh\nexit 1\n"), 0o755))
	good, err := versions(t.Context(), n)
	must(t, err)
	install(t, newUpdate(t, broken, "--with", folder), n)
	began := time.Now()
	tr := traffic(t, l, n)
	before := starts(t, n)
	_, err = n.Exec(t.Context(), "reboot --yes")
	must(t, err)
	awaitStart(t, n, before+1)
	for trial := 2; trial <= 3; trial++ {
		awaitStart(t, n, before+trial)
		_, err = n.QMP(t.Context(), "system_reset", nil)
		must(t, err)
	}
	must(t, lab.Wait(t.Context(), 5*time.Minute, "version "+broken+" to be undone", func() error { return has(t.Context(), n, broken, bus.VersionFailed) }))
	took := time.Since(began)
	must(t, runs(t.Context(), n, good.Running))
	must(t, l.WaitHealthy(t.Context(), 3*time.Minute))
	gap, sent := tr.Stop()
	toldOf(t, n, "version "+broken+" did not come up in 3 starts and was undone: version "+good.Running+" runs")
	t.Logf("M4.3 %s took version %s back by itself after three starts and %.0f s, told everywhere; %d messages of the others, none lost, longest gap %v",
		n.Name(), broken, took.Seconds(), sent, gap.Round(time.Millisecond))
}

// start is what the serial line has of each start: the firmware's word, and then
// the first of the kernel's that the boot loader chose.
var start = regexp.MustCompile(`(?s)BdsDxe: starting.*?\x1b\[!p`)

func starts(t *testing.T, n *lab.Node) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(n.Dir(), "serial.log"))
	must(t, err)
	return len(start.FindAll(text, -1))
}

func awaitStart(t *testing.T, n *lab.Node, count int) {
	t.Helper()
	must(t, lab.Wait(t.Context(), 8*time.Minute, fmt.Sprintf("start %d of %s", count, n.Name()), func() error {
		if got := starts(t, n); got < count {
			return fmt.Errorf("it has started %d times", got)
		}
		return nil
	}))
}

// toldOf checks that whoever looks at the node in any of five ways learns of it.
func toldOf(t *testing.T, n *lab.Node, text string) {
	t.Helper()
	found := func(where, in string) {
		if !strings.Contains(strings.Join(strings.Fields(in), " "), text) {
			t.Errorf("%s of %s does not say %q:\n%s", where, n.Name(), text, in)
		}
	}
	health, err := n.Exec(t.Context(), "health")
	if err == nil {
		t.Errorf("health of %s finds nothing: %s", n.Name(), health)
	}
	found("health", health)
	journal, err := n.JournalText(t.Context(), "--boot", "--identifier=upgrade", "--output=cat")
	must(t, err)
	found("the journal", journal)
	s, err := n.Session(t.Context())
	must(t, err)
	defer s.Close()
	found("the greeting", s.Greeting)
	status, err := s.Type(t.Context(), "upgrade status")
	must(t, err)
	if !strings.Contains(status, "did not come up in 3 starts and was undone") {
		t.Errorf("upgrade status of %s: %s", n.Name(), status)
	}
	line, _, _ := strings.Cut(text, ":") // the screen is narrower
	must(t, lab.Wait(t.Context(), time.Minute, "the console to tell", func() error {
		screen, err := os.ReadFile(filepath.Join(n.Dir(), "serial.log"))
		if err == nil && !strings.Contains(string(screen), line) {
			err = errors.New("it does not")
		}
		return err
	}))
}

// newUpdate builds an update of a version, its kernel signed as the image's is.
func newUpdate(t *testing.T, version string, with ...string) (file string) {
	t.Helper()
	root := labtest.Root()
	mustRun(t, root, "scripts/image", append([]string{"--update", "--version", version}, with...)...)
	kernel, keys := filepath.Join(t.TempDir(), "signed.efi"), filepath.Join(root, ".build/keys/development")
	mustRun(t, root, "sbsign", "--key", keys+".key", "--cert", keys+".crt", "--output", kernel, built("update/quorate_"+version+".efi"))
	mustRun(t, root, "scripts/update", "--kernel", kernel)
	return built("quorate-" + version + ".update")
}

// install uploads an update to a node and installs it.
func install(t *testing.T, file string, n *lab.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // emulated, and 100 MB
	defer cancel()
	name := filepath.Base(file)
	_, err := n.SFTP(ctx, "put "+file+" "+name)
	must(t, err)
	installFrom(t, name, n)
	_, err = n.SFTP(ctx, "rm "+name)
	must(t, err)
}

// installFrom installs an update that was uploaded, or is at a URL; the node does
// not restart.
func installFrom(t *testing.T, name string, n *lab.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := n.Exec(ctx, "upgrade "+name+" --yes")
	if err != nil || !strings.Contains(out, "is installed and starts when the node restarts") {
		t.Fatalf("installing on %s: %s %v", n.Name(), out, err)
	}
}

// serve serves the folder of a file by https beside the nodes, which trust the
// server, and returns the file's URL.
func serve(t *testing.T, l *lab.Lab, file string) (url string) {
	t.Helper()
	dir := t.TempDir()
	mustRun(t, dir, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key", "-out", "certificate",
		"-subj", "/CN=updates", "-addext", "subjectAltName=IP:10.77.0.1")
	certificate, err := os.ReadFile(filepath.Join(dir, "certificate"))
	must(t, err)
	for _, n := range l.Members() {
		rooted(t, n, "echo '"+string(certificate)+"' >>/etc/ssl/certs/ca-certificates.crt")
	}
	server := exec.Command("ip", "netns", "exec", l.NetNS(), "openssl", "s_server", "-quiet", "-accept", "8443", "-WWW",
		"-cert", filepath.Join(dir, "certificate"), "-key", filepath.Join(dir, "key"))
	server.Dir = filepath.Dir(file)
	must(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill() // nothing is lost with it
		_ = server.Wait()
	})
	return "https://10.77.0.1:8443/" + filepath.Base(file)
}

// versions asks a node for `upgrade status`.
func versions(ctx context.Context, n *lab.Node) (u bus.Upgrade, err error) {
	out, err := n.Exec(ctx, "upgrade status --json")
	if err == nil {
		err = json.Unmarshal([]byte(out), &u)
	}
	return u, err
}

// runs says whether the node runs a version, with the /usr that belongs to it.
func runs(ctx context.Context, n *lab.Node, version string) error {
	u, err := versions(ctx, n)
	if err != nil {
		return err
	}
	if u.Running != version {
		return fmt.Errorf("%s runs version %s", n.Name(), u.Running)
	}
	out, err := n.Exec(ctx, "version")
	if err == nil && strings.Count(out, version) < 2 { // of the programs and of the image
		err = fmt.Errorf("%s says %s", n.Name(), out)
	}
	return err
}

// has says whether a version on the node is in a state.
func has(ctx context.Context, n *lab.Node, version, state string) error {
	u, err := versions(ctx, n)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(u.Versions, func(v bus.Version) bool { return v.Version == version && v.State == state }) {
		return fmt.Errorf("%s has %+v", n.Name(), u.Versions)
	}
	return nil
}

// tells says whether the node's cluster status has the version of every member.
func tells(ctx context.Context, n *lab.Node, version string) error {
	s, err := n.ClusterStatus(ctx)
	if err != nil {
		return err
	}
	for _, p := range s.Peers {
		if p.Version != version {
			return fmt.Errorf("%s lists %s with version %q", n.Name(), p.Name, p.Version)
		}
	}
	return nil
}
