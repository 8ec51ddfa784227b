package console

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func fromStream(t *testing.T, text string) (*Console, *strings.Builder) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	out := &strings.Builder{}
	return Open(f, out, nil, nil), out
}

func TestStream(t *testing.T) {
	c, out := fromStream(t, "one\r\n\nsecret\nlast")
	if c.IsTerminal() {
		t.Error("a file is taken for a terminal")
	}
	for _, step := range []struct {
		read func(string) (string, error)
		want string
	}{{c.ReadLine, "one"}, {c.Ask, ""}, {c.Secret, "secret"}, {c.ReadLine, "last"}} {
		if got, err := step.read("prompt: "); got != step.want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, step.want)
		}
	}
	if _, err := c.ReadLine(""); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if want := "prompt: \nprompt: \n"; out.String() != want {
		t.Errorf("printed %q, want %q: a stream shows questions and no prompts", out, want)
	}
}

func TestStreamLineIsBounded(t *testing.T) {
	c, _ := fromStream(t, strings.Repeat("x", maxLine+2))
	if line, err := c.ReadLine(""); err == nil {
		t.Errorf("a line of %d bytes was read", len(line))
	}
}

func TestCancelReader(t *testing.T) {
	for _, read := range []func(io.Reader) io.Reader{iotest.OneByteReader, func(r io.Reader) io.Reader { return r }} {
		got, err := io.ReadAll(iotest.OneByteReader(&cancelReader{from: read(strings.NewReader("ab\x03cd\x03\x03")), wait: (&Console{}).wait}))
		stop := string(giveUp)
		if want := "ab" + stop + "cd" + stop + stop; string(got) != want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	h, err := OpenHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"one", "", "  ", " hidden", "two", "two", "one"} {
		if err := h.Add(line); err != nil {
			t.Fatal(err)
		}
	}
	again, err := OpenHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range again.Len() {
		lines = append(lines, again.At(i))
	}
	if diff := cmp.Diff([]string{"one", "two", "one"}, lines); diff != "" {
		t.Errorf("newest first (-want +got):\n%s", diff)
	}
}

func TestHistoryIsShortened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	var text strings.Builder
	for i := range 2*historyLines + 1 {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		h, err := OpenHistory(path)
		if err != nil {
			t.Fatal(err)
		}
		if h.Len() != historyLines || h.At(0) != fmt.Sprintf("line %d", 2*historyLines) {
			t.Errorf("%d lines, the newest %q", h.Len(), h.At(0))
		}
	}
}

func TestHistoryThatCanNotBeRead(t *testing.T) {
	if _, err := OpenHistory(t.TempDir()); err == nil {
		t.Error("a folder was read as history")
	}
}
