package labtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
)

// shared is the cluster of this test binary; nil until the first test asks.
var shared *lab.Lab

// binaries is where scripts/compile puts the programs.
const binaries = ".build/bin"

// booted is set when machines were asked for: those that did not become a cluster
// would not at the next test either, and take minutes to tell.
var booted bool

// faulty is whether the programs for FormFaulty are compiled.
var faulty bool

// count numbers the labs of this binary, so that names do not repeat.
var count int

// Main compiles the daemons, runs the tests and removes the shared lab. Call
// it from TestMain and exit with its result.
func Main(m *testing.M) int {
	if err := compile(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { drop(context.Background()) }()
	return m.Run()
}

func compile(args ...string) error {
	cmd := exec.Command(filepath.Join(Root(), "scripts/compile"), args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling the daemons: %w: %s", err, out)
	}
	return nil
}

// Root returns the checkout's top directory.
func Root() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == "/" {
			break
		}
		dir = filepath.Dir(dir)
	}
	panic("labtest: not inside the checkout")
}

// Cluster returns the shared cluster of three local nodes, formed with one
// shared certificate, and a spare node, cb4, which the test may do with as it
// likes. cb1 to cb3 are one leader and two followers.
func Cluster(t *testing.T) *lab.Lab {
	t.Helper()
	ctx := t.Context()
	if shared != nil {
		if err := shared.WaitHealthy(ctx, 25*time.Second); err != nil {
			t.Logf("making the cluster anew: %v", err)
			drop(ctx)
		}
	}
	if shared == nil {
		shared = form(t, lab.Shared, 1, binaries)
	}
	l := shared
	t.Cleanup(func() {
		if t.Failed() {
			Show(t, l)
			drop(context.Background())
		}
	})
	return l
}

func drop(ctx context.Context) {
	if shared == nil {
		return
	}
	if err := lab.Remove(ctx, lab.Config{Dir: shared.Dir()}); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	shared = nil
}

// Form makes a lab of the test's own and plays the walkthrough on it. It is
// removed when the test ends.
func Form(t *testing.T, v lab.Variant) *lab.Lab {
	t.Helper()
	return own(t, v, binaries)
}

// FormFaulty is Form with programs that a test can kill at a step of its choice; see
// lab.Node.Arm.
func FormFaulty(t *testing.T) *lab.Lab {
	t.Helper()
	const folder = ".build/bin-faults"
	if !faulty {
		if err := compile(filepath.Join(Root(), folder), "-tags", "faults"); err != nil {
			t.Fatal(err)
		}
		faulty = true
	}
	return own(t, lab.Shared, folder)
}

// own forms a lab that is removed when the test ends.
func own(t *testing.T, v lab.Variant, bin string) *lab.Lab {
	t.Helper()
	l := form(t, v, 0, bin)
	t.Cleanup(func() {
		if t.Failed() {
			Show(t, l)
		}
		if err := lab.Remove(context.Background(), lab.Config{Dir: l.Dir()}); err != nil {
			t.Error(err)
		}
	})
	return l
}

func form(t *testing.T, v lab.Variant, spare int, bin string) *lab.Lab {
	t.Helper()
	var transcript bytes.Buffer
	l := start(t, spare, &transcript, bin)
	err := l.Walkthrough(t.Context(), v)
	if err == nil {
		err = l.WaitHealthy(t.Context(), 20*time.Second)
	}
	if err != nil {
		t.Logf("the walkthrough so far:\n%s", transcript.String())
		Show(t, l)
		_ = lab.Remove(context.Background(), lab.Config{Dir: l.Dir()}) // the test has failed already
		t.Fatal(err)
	}
	return l
}

// machines returns the shared cluster, which the first caller's configuration
// makes.
func machines(t *testing.T, cfg lab.Config) (l *lab.Lab, transcript string) {
	t.Helper()
	if shared == nil {
		if booted {
			t.Fatal("there is no cluster: the test that asked first tells why")
		}
		booted = true
		var b bytes.Buffer
		cfg.Log = &b
		machines := boot(t, cfg)
		if err := machines.Walkthrough(t.Context(), lab.Shared); err != nil {
			Show(t, machines)
			_ = lab.Remove(context.Background(), lab.Config{Dir: machines.Dir()}) // the test has failed already
			t.Fatalf("%v; so far:\n%s", err, b.String())
		}
		shared, transcript = machines, b.String()
	}
	l = shared
	t.Cleanup(func() {
		if t.Failed() {
			Show(t, l)
		}
	})
	if err := l.WaitHealthy(t.Context(), 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	return l, transcript
}

// start makes a local lab and powers its nodes on.
func start(t *testing.T, spare int, log *bytes.Buffer, bin string) *lab.Lab {
	t.Helper()
	return boot(t, lab.Config{Local: true, Spare: spare, Log: log, Bin: filepath.Join(Root(), bin)})
}

// boot makes a lab under a name of its own and powers its nodes on.
func boot(t *testing.T, cfg lab.Config) *lab.Lab {
	t.Helper()
	count++
	cfg.Name = fmt.Sprintf("t%d-%d", os.Getpid(), count)
	cfg.Dir, cfg.Ephemeral = filepath.Join(Root(), ".lab", cfg.Name), true
	l, err := lab.Create(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(t.Context()); err != nil {
		Show(t, l)
		_ = lab.Remove(context.Background(), cfg) // the test has failed already
		t.Fatal(err)
	}
	return l
}

// Show logs the end of what each node's daemons wrote: a process by its file, a
// machine by its serial line and what its journal has of the XMPP server.
func Show(t *testing.T, l *lab.Lab) {
	t.Helper()
	for _, n := range l.Nodes() {
		if !l.Local() {
			showJournal(t, n)
		}
		for _, d := range []string{"confd", "certd", "xmppd", "callbridged", "webd", "signin", "serial"} {
			data, err := os.ReadFile(filepath.Join(n.Dir(), d+".log"))
			if err != nil {
				continue
			}
			lines := strings.Split(strings.TrimSpace(string(data)), "\n")
			t.Logf("%s %s:\n%s", n.Name(), d, strings.Join(lines[max(0, len(lines)-25):], "\n"))
		}
	}
}

// showJournal logs what a machine that can be reached has in its journal.
func showJournal(t *testing.T, n *lab.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	text, err := n.JournalText(ctx, "--boot", "--identifier=xmppd", "--output=short-precise", "--lines=80")
	if err != nil {
		text = err.Error()
	}
	t.Logf("%s journal:\n%s", n.Name(), strings.TrimSpace(text))
}
