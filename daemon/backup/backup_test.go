package backup

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
)

const passphrase = "correct horse"

var facts = Facts{Host: "cb2", NodeID: "aa", Cluster: "cc", Version: "0.1.0", Created: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)}

var parts = map[string][]byte{Settings: []byte(`{"a":"s3cret"}`), Certificates: bytes.Repeat([]byte("PRIVATE KEY "), 20000), Identity: {}}

func sealed(t testing.TB) []byte {
	t.Helper()
	file, err := Seal(facts, parts, passphrase, 10)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSealAndOpen(t *testing.T) {
	file := sealed(t)
	m, got, err := Open(file, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parts, got); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, p := range m.Parts {
		names = append(names, p.Name)
	}
	if m.Facts != facts || !cmp.Equal(names, []string{Certificates, Settings, Identity}) {
		t.Errorf("manifest %+v", m)
	}
	if f, err := Peek(file); err != nil || f != facts {
		t.Errorf("Peek: %+v, %v", f, err)
	}
	for _, secret := range []string{"s3cret", "PRIVATE KEY"} {
		if bytes.Contains(file, []byte(secret)) {
			t.Errorf("the file shows %q", secret)
		}
	}
}

// A wrong passphrase and a damaged file are told apart.
func TestRefusals(t *testing.T) {
	file := sealed(t)
	line, rest, _ := bytes.Cut(file, []byte("\n"))
	flip := func(at int) []byte {
		b := bytes.Clone(file)
		b[at] ^= 1
		return b
	}
	// Whoever can mend the sum still can not change what is sealed.
	forged := flip(len(file) - 100)
	forged = bytes.Replace(forged, []byte(sumOf(rest)), []byte(sumOf(forged[len(line)+1:])), 1)
	for name, c := range map[string]struct {
		file       []byte
		passphrase string
		code       fault.Code
		text       string
	}{
		"wrong passphrase":    {file, "wrong horse", fault.WrongSecret, "does not open"},
		"no passphrase":       {file, "", fault.WrongSecret, "does not open"},
		"cut off":             {file[:len(file)-1], passphrase, fault.Incomplete, "not whole"},
		"cut off, wrong":      {file[:len(file)-1], "wrong horse", fault.Incomplete, "not whole"},
		"a bit in the body":   {flip(len(file) - 5), passphrase, fault.Incomplete, "not whole"},
		"a bit in the header": {flip(len(line) + 60), passphrase, fault.Incomplete, "not whole"},
		"text mode":           {bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n")), passphrase, fault.Incomplete, "not whole"},
		"forged sum":          {forged, passphrase, fault.Incomplete, "damaged"},
		"other facts":         {bytes.Replace(file, []byte(`"cb2"`), []byte(`"cb3"`), 1), passphrase, fault.Incomplete, "first line"},
		"newer":               {bytes.Replace(file, []byte(`backup":1`), []byte(`backup":9`), 1), passphrase, fault.Version, "format 9"},
		"no backup":           {[]byte("-----BEGIN CERTIFICATE-----\n"), passphrase, fault.InvalidArgument, "not a backup"},
		"nothing":             {nil, passphrase, fault.InvalidArgument, "not a backup"},
	} {
		_, _, err := Open(c.file, c.passphrase)
		if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Seal(facts, parts, "seven77", Work); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a short passphrase: %v", err)
	}
}

func TestFileOf(t *testing.T) {
	for name, want := range map[string]string{"monday": "monday" + Suffix, "cb2" + Suffix: "cb2" + Suffix, "a.b-c_1": "a.b-c_1" + Suffix,
		"": "", "../x": "", ".hidden": "", "-x": "", "a b": "", Suffix: ""} {
		if got, err := FileOf(name); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}

func TestChoose(t *testing.T) {
	there := []string{Settings, Identity, Certificates}
	if got, err := Choose(nil, there); err != nil || !cmp.Equal(got, []string{Certificates, Settings, Identity}) {
		t.Errorf("all: %v, %v", got, err)
	}
	if got, err := Choose([]string{Identity, Certificates}, there); err != nil || !cmp.Equal(got, []string{Certificates, Identity}) {
		t.Errorf("two: %v, %v", got, err)
	}
	if _, err := Choose([]string{State}, there); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("one it has not: %v", err)
	}
	if _, err := Choose([]string{"everything"}, there); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("no part: %v", err)
	}
}

// FuzzPeek: a file counts as whole only with the sum of its rest in its first line.
func FuzzPeek(f *testing.F) {
	f.Add([]byte("{\"quorate_backup\":1,\"sha256\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}\n"))
	f.Add([]byte("{\"quorate_backup\":1}\nx"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := Peek(file); err != nil {
			return
		}
		line, rest, _ := bytes.Cut(file, []byte("\n"))
		if !bytes.Contains(line, []byte(sumOf(rest))) {
			t.Errorf("taken for whole: %q", file)
		}
	})
}

// What a node seals it opens, and no file has it work harder than that: one that
// asks for more is not tried, which would end in a wrong passphrase.
func TestWork(t *testing.T) {
	file, err := Seal(facts, nil, passphrase, Work)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(file, passphrase); err != nil {
		t.Error(err)
	}
	for work, code := range map[int]fault.Code{Work + 1: fault.Incomplete, 1: fault.WrongSecret} {
		if _, _, err := Open(asking(file, work), passphrase); fault.CodeOf(err) != code {
			t.Errorf("asked for %d: %v, want %s", work, err, code)
		}
	}
}

// asking is a file sealed with Work that claims to be sealed with another.
func asking(file []byte, work int) []byte {
	line, rest, _ := bytes.Cut(file, []byte("\n"))
	more := regexp.MustCompile(fmt.Sprintf(`(?m)^(-> scrypt \S+) %d$`, Work)).ReplaceAll(rest, fmt.Appendf(nil, "$1 %d", work))
	line = bytes.Replace(line, []byte(sumOf(rest)), []byte(sumOf(more)), 1)
	return slices.Concat(line, []byte("\n"), more)
}
