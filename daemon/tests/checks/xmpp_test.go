package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

// TestXMPPTable: every row of docs/xmpp.md names tests, and each is in the tree.
func TestXMPPTable(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(labtest.Root(), "docs/xmpp.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)[A-Za-z0-9_]+)`")
	rows, known := 0, map[string]string{}
	for line := range strings.Lines(string(doc)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| clause") || strings.HasPrefix(line, "| what |") || strings.HasPrefix(line, "| client |") {
			continue
		}
		rows++
		cells := strings.Split(strings.TrimSuffix(strings.TrimSpace(line), "|"), "|")
		tests := named.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(tests) == 0 {
			t.Errorf("no test is named in %s", line)
		}
		for _, m := range tests {
			if !strings.Contains(source(t, known, m[1]), "func "+m[2]+"(") {
				t.Errorf("there is no %s in daemon/%s", m[2], m[1])
			}
		}
	}
	if rows < 50 {
		t.Errorf("%d rows: the table was not read", rows)
	}
}

// source returns the tests of a room as one text.
func source(t *testing.T, known map[string]string, room string) string {
	t.Helper()
	if text, ok := known[room]; ok {
		return text
	}
	files, err := filepath.Glob(filepath.Join(labtest.Root(), "daemon", room, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	known[room] = text.String()
	return known[room]
}
