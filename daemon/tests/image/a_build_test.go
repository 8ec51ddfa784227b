package image

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab/labtest"
)

// The image is built twice: in another folder, under another umask and with a
// clock that is 400 days ahead, it is the same. It comes before the tests that build
// updates, which take the place of the image's own.
func TestM4_1_Reproducible(t *testing.T) {
	began := time.Now()
	out, err := run(t, labtest.Root(), "scripts/repro", "--built")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err != nil || lines[len(lines)-1] != "reproducible" {
		t.Fatalf("scripts/repro: %v\n%s", err, strings.Join(lines[max(0, len(lines)-60):], "\n"))
	}
	clock := regexp.MustCompile(`The clock of the second build says (\S+)`).FindStringSubmatch(out)
	if clock == nil {
		t.Fatal("scripts/repro does not say what its clock was")
	}
	t.Logf("M4.1 two builds, alike byte for byte after %.0f s; varied: the folder, umask 022 and 077, the clock (today and %s)",
		time.Since(began).Seconds(), clock[1])
}

// A lock that does not hold is refused in words, soon, and what was built before
// stays.
func TestM4_1_LockRefused(t *testing.T) {
	nano := regexp.MustCompile(`(?m)^nano (\S+) amd64 ([0-9a-f]{64}) (\S+)\n`)
	for _, c := range []struct {
		name string
		line string // in place of nano's
		want []string
	}{
		{"checksum", "nano $1 amd64 " + strings.Repeat("0", 64) + " $3\n", []string{"nano ", " is another file on the mirror than image/packages.lock says"}},
		{"version", "nano 1.0-1 amd64 $2 pool/main/n/nano/nano_1.0-1_amd64.deb\n", []string{"nano 1.0-1 is not on the mirror any more"}},
		{"missing", "", []string{"nano is not in image/packages.lock"}},
		{"dependency", "", []string{"libncursesw6 is not in image/packages.lock; ", " depends on it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := copyTree(t)
			spoil := nano
			if c.name == "dependency" {
				spoil = regexp.MustCompile(`(?m)^libncursesw6 .*\n`)
			}
			lock := filepath.Join(tree, "image/packages.lock")
			text, err := os.ReadFile(lock)
			must(t, err)
			if !spoil.Match(text) {
				t.Fatal("the lock is not as this test expects it")
			}
			must(t, os.WriteFile(lock, spoil.ReplaceAll(text, []byte(c.line)), 0o644))
			must(t, os.MkdirAll(filepath.Join(tree, ".build/image"), 0o755))
			earlier := filepath.Join(tree, ".build/image/quorate.raw")
			must(t, os.WriteFile(earlier, []byte("of an earlier build"), 0o644))
			began := time.Now()
			out, err := run(t, tree, "scripts/image")
			took := time.Since(began)
			if err == nil {
				t.Fatal("the image was built")
			}
			for _, want := range append(c.want, "The image was not built.", "scripts/lock") {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
			if kept, err := os.ReadFile(earlier); err != nil || string(kept) != "of an earlier build" {
				t.Errorf("what was built before is gone: %q, %v", kept, err)
			}
			if took > time.Minute {
				t.Errorf("it took %v", took)
			}
			t.Logf("M4.1 %s in the lock: refused after %.0f s: %s", c.name, took.Seconds(), lineWith(out, c.want[0]))
		})
	}
}

// copyTree copies the files of the tree, with the packages that were fetched.
// What is done in the copy must not reach those of the tree, though the file
// system may have lent them.
func copyTree(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	const archives = ".build/packages/cache/apt/archives"
	list := filepath.Join(labtest.Root(), archives, "locked/Packages")
	before, err := os.ReadFile(list)
	must(t, err)
	t.Cleanup(func() {
		if after, err := os.ReadFile(list); err != nil || !bytes.Equal(before, after) {
			t.Errorf("the list of the tree's own packages is another now: %v", err)
		}
	})
	const script = `git ls-files -z --cached --others --exclude-standard | xargs -0 cp --no-dereference --parents -t "$1"
		mkdir -p "$1/$2" && { cp -al "$2/locked" "$1/$2/" 2>/dev/null || cp -a "$2/locked" "$1/$2/"; }`
	mustRun(t, labtest.Root(), "bash", "-euo", "pipefail", "-c", script, "copy", tree, archives)
	return tree
}

func lineWith(text, word string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			return strings.TrimSpace(strings.TrimPrefix(line, "==>"))
		}
	}
	return ""
}
