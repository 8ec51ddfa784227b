package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/logs"
)

const (
	planted = `RITm"Sh4 smhLYgü`
	pemKey  = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIJk\nAwEHoUQDQg==\n-----END EC PRIVATE KEY-----"
)

func TestRedactedLines(t *testing.T) {
	for line, want := range map[string]string{
		"nothing to hide":                                        "nothing to hide",
		"link with " + planted + " refused":                      "link with ******** refused",
		fmt.Sprintf("link with %q", planted):                     `link with "********"`,
		fmt.Sprintf("link with %+q", planted):                    `link with "********"`,
		"password=hunter2, user=bob":                             "password=********, user=bob",
		"Password: hunter2":                                      "Password: ********",
		`{"secret":"hunter 2","name":"cb1"}`:                     `{"secret":********,"name":"cb1"}`,
		`"msg":"secret=\"hunter 2\" name=cb1"`:                   `"msg":"secret=******** name=cb1"`,
		"shared_secret = 'hunter 2'":                             "shared_secret = ********",
		"Authorization: Bearer abc.def":                          "Authorization: ********",
		"failed (wrong secret): the server":                      "failed (wrong secret): the server",
		"key " + strings.ReplaceAll(pemKey, "\n", `\n`) + " end": "key " + keyRemoved + " end",
	} {
		if got := NewRedactor([]string{planted, "", "abc", Masked}).Line(line); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", line, got, want)
		}
	}
}

func TestSecretWithinASecret(t *testing.T) {
	if got := NewRedactor([]string{"inner", "an inner part"}).Line("x an inner part y inner"); got != "x ******** y ********" {
		t.Errorf("got %q", got)
	}
}

func TestRedactedKeys(t *testing.T) {
	r := NewRedactor(nil)
	got := r.Text("before\nx " + pemKey + " y\nafter\n")
	if want := "before\nx " + strings.Repeat(keyRemoved+"\n", 3) + keyRemoved + " y\nafter\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	cut := r.Text("-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("line\n", keyLines+1))
	if !strings.HasSuffix(cut, keyRemoved+"\nline\n") {
		t.Errorf("a key that never ends hides %d lines", strings.Count(cut, keyRemoved))
	}
}

// FuzzRedactor: no secret known by value is left, whatever is around it.
func FuzzRedactor(f *testing.F) {
	f.Add("a", "b", "hunter2")
	f.Add("secret=", "", `qu"ote`)
	f.Add("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "base64==")
	f.Fuzz(func(t *testing.T, before, after, secret string) {
		if len(secret) < 4 || strings.Contains(secret, "\n") || strings.ContainsAny(secret, "*") ||
			strings.Contains(keyRemoved, secret) {
			return
		}
		line := strings.ReplaceAll(before+" "+secret+" "+after, "\n", " ")
		if got := NewRedactor([]string{secret}).Line(line); strings.Contains(got, secret) {
			t.Errorf("%q becomes %q", line, got)
		}
	})
}

// contents unpacks a bundle and checks its sums.
func contents(t *testing.T, data []byte) map[string]string {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = string(text)
	}
	return files
}

func TestArchive(t *testing.T) {
	var out bytes.Buffer
	a := NewArchive(&out, "b", time.Unix(1, 0))
	for _, err := range []error{a.Text("x/one.txt", "one\n"), a.Text("two.txt", ""), a.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"b/x/one.txt": "one\n", "b/two.txt": "",
		"b/" + manifest: fmt.Sprintf("%x  x/one.txt\n%x  two.txt\n", sha256.Sum256([]byte("one\n")), sha256.Sum256(nil)),
	}
	if diff := cmp.Diff(want, contents(t, out.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestJournalKeepsTheNewest(t *testing.T) {
	j, err := NewJournal(NewRedactor([]string{planted}), 40_000)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for i := range 1000 {
		e := logs.Entry{Message: fmt.Sprintf("entry %03d %s", i, planted), Fields: map[string]string{"NOTE": planted, "TOKEN": "x", "KEY": pemKey}}
		if err := j.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	a := NewArchive(&out, "b", time.Time{})
	for _, err := range []error{j.AddTo(a), a.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	files := contents(t, out.Bytes())
	for _, name := range []string{"b/journal.txt", "b/journal.json"} {
		text := files[name]
		if len(text) > 20_000 || len(text) < 9_000 || !strings.Contains(text, "entry 999") || strings.Contains(text, "entry 000") {
			t.Errorf("%s has %d bytes, from %.60q", name, len(text), text)
		}
		for _, secret := range []string{"RITm", "smhLYg", "MHcCAQEEIJk"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s", name, secret)
			}
		}
	}
}

func TestDeposit(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("QUORATE_EXCHANGE", dir)
	write := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	if size, err := Deposit("a.txt", write("hello")); err != nil || size != 5 {
		t.Fatal(size, err)
	}
	if _, err := Deposit("a.txt", write("other")); fault.CodeOf(err) != fault.Exists {
		t.Errorf("a second time: %v", err)
	}
	broken := errors.New("broken")
	if _, err := Deposit("b.txt", func(w io.Writer) error { return errors.Join(write("half")(w), broken) }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"", ".", "..", ".hidden", "-rf", "a/b", "../a", "a b", "a\x00"} {
		if _, err := Deposit(name, write("x")); fault.CodeOf(err) != fault.InvalidName {
			t.Errorf("%q: %v", name, err)
		}
	}
	left, err := filepath.Glob(dir + "/.*")
	all, err2 := os.ReadDir(dir)
	if len(left) > 0 || len(all) != 1 || err != nil || err2 != nil {
		t.Errorf("left behind: %v %v %v %v", left, all, err, err2)
	}
	if data, err := os.ReadFile(dir + "/a.txt"); err != nil || string(data) != "hello" {
		t.Errorf("the file is %q, %v", data, err)
	}
	t.Setenv("QUORATE_EXCHANGE", dir+"/nowhere")
	if _, err := Deposit("a.txt", write("x")); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("without the folder: %v", err)
	}
}

// Of log bundles the newest are kept, whatever the node was called; other files
// are not touched.
func TestPrune(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("QUORATE_EXCHANGE", dir)
	for _, name := range []string{
		"logbundle-z-20261119T080000Z.tar.gz", "logbundle-a-b-20261120T080000Z.tar.gz", "logbundle-a-20261121T080000Z.tar.gz",
		"logbundle-mine.tar.gz", "cb1-20200101T080000Z.qbackup", "xlogbundle-a-20200101T080000Z.tar.gz",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := Prune(2)
	if diff := cmp.Diff([]string{"logbundle-z-20261119T080000Z.tar.gz"}, removed); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if removed, err = Prune(2); len(removed) > 0 || err != nil {
		t.Errorf("again: %v, %v", removed, err)
	}
	if left, err := os.ReadDir(dir); len(left) != 5 || err != nil {
		t.Errorf("%d files are left, want 5: %v", len(left), err)
	}
}
