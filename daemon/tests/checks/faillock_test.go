package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

// allowance is how many wrong passwords an account has, over SSH as at Web Admin.
// PAM has no variables, and each line is read by itself.
const allowance = " deny=10 fail_interval=900 unlock_time=60 "

// The same in words.
var (
	counted = regexp.MustCompile(`ten wrong passwords within a quarter of an hour`)
	resting = regexp.MustCompile(`ten wrong passwords[^.]* rests? for a minute`)
)

var counting = regexp.MustCompile(`pam_faillock\.so (preauth|authfail)\b.*`)

// TestWrongPasswords compares the places that say when wrong passwords close an
// account: the PAM services, each of which asks before and counts behind, and what
// people read.
func TestWrongPasswords(t *testing.T) {
	services := []string{"config/pam.d/quorate-web", "image/mkosi.extra/etc/pam.d/sshd"}
	for _, name := range services {
		lines := counting.FindAllString(readTree(t, name), -1)
		if len(lines) != 2 {
			t.Errorf("%s counts wrong passwords by %q, want a line before and one behind", name, lines)
		}
		for _, line := range lines {
			if !strings.Contains(line, allowance) {
				t.Errorf("%s: %s: want%s", name, line, allowance)
			}
		}
	}
	for _, name := range append(services, "docs/image.md") {
		says(t, name, counted)
	}
	for _, name := range append(services, "docs/image.md", "daemon/journal/catalog.go", "daemon/pam/result.go") {
		says(t, name, resting)
	}
}

// says wants a file's text, without line ends and comment signs, to say something.
func says(t *testing.T, name string, what *regexp.Regexp) {
	t.Helper()
	text := strings.Join(strings.Fields(strings.ReplaceAll(readTree(t, name), "\n# ", " ")), " ")
	if !what.MatchString(strings.ToLower(text)) {
		t.Errorf("%s does not say %q", name, what)
	}
}

func readTree(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(labtest.Root(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
