package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/viper"

	"quorate.org/daemon/settings"
)

// folder makes a configuration folder of the given files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := Write(dir, name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLaterFilesOverride(t *testing.T) {
	dir := folder(t, map[string]string{
		Main:                   "[xmpp]\ndomain = \"a.example\"\nmax_stanza = 100000\n\n[[xmpp.callbridge]]\nname = \"cb1\"\nsecret = \"x\"\n",
		"conf.d/10-first.toml": "# comment\n[xmpp]\nmax_stanza = \"512KiB\"\nlisten = [\"a\"]\n",
		Own:                    "[xmpp]\nlisten = [\"b\"]\n",
		"conf.d/notes.txt":     "not a drop-in",
		"conf.d/.hidden.toml":  "not = \"one\"",
	})
	l, err := Load(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantSources := map[string]Source{
		"xmpp.domain": {Main, 2}, "xmpp.callbridge": {Main, 5}, "xmpp.max_stanza": {"conf.d/10-first.toml", 3}, "xmpp.listen": {Own, 2},
	}
	if diff := cmp.Diff(wantSources, l.Sources); diff != "" {
		t.Error(diff)
	}
	if x := l.Values.XMPP; x.Domain != "a.example" || x.MaxStanza != 512<<10 || x.Listen[0] != "b" || x.CallBridges[0].Name != "cb1" {
		t.Errorf("values %+v", x)
	}
}

func TestNoFilesAreDefaults(t *testing.T) {
	l, err := Load(filepath.Join(t.TempDir(), "absent"), nil)
	if err != nil || l.Values.XMPP.ClientPort != 5222 || len(l.Raw) != 0 {
		t.Errorf("%v, %+v", err, l)
	}
}

func TestEveryProblemHasItsLine(t *testing.T) {
	dir := folder(t, map[string]string{
		Main: strings.Join([]string{
			`[xmpp]`,
			`enabled = "yes"`,
			`client_prot = 5222`,
			`listen = ["a", "z"]`,
			`Domain = "meet.example"`,
			`max_stanza = 5`,
			``,
			`[[xmpp.callbridge]]`,
			`name = "cb1"`,
			`secret = "x"`,
			`[[xmpp.callbridge]]`,
			`secret = "x"`,
			`name = "cb.2"`,
			`[clustre]`,
			`port = 5224`,
			`[cluster.port]`,
			`x = 1`,
		}, "\n"),
		"conf.d/20-more.toml": "gossip = 5\n\"xmpp.domain\" = \"x.example\"\n",
	})
	_, err := Load(dir, nil)
	var got Refusal
	if !errors.As(err, &got) {
		t.Fatal(err)
	}
	want := Refusal{
		`quorate.toml:2: xmpp.enabled: must be true or false, not the text "yes"`,
		`quorate.toml:3: xmpp.client_prot: unknown key; did you mean xmpp.client_port?`,
		`quorate.toml:4: xmpp.listen: "z" is neither an interface letter a to d nor an IP address`,
		`quorate.toml:5: xmpp.Domain: unknown key; did you mean xmpp.domain?`,
		`quorate.toml:6: xmpp.max_stanza: 5 is not between 10000 and 16777216 bytes`,
		`quorate.toml:13: xmpp.callbridge[1].name: "cb.2" has a dot; the domain is added by itself`,
		`quorate.toml:14: clustre: unknown section; did you mean [cluster]?`,
		`quorate.toml:16: cluster.port: must be a whole number, not a table`,
		`conf.d/20-more.toml:1: gossip: is a section: write [gossip] and its keys below`,
		`conf.d/20-more.toml:2: "xmpp.domain": unknown key; did you mean xmpp.domain?`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProblemsBetweenFiles(t *testing.T) {
	dir := folder(t, map[string]string{
		Main:                  "[xmpp]\nclient_port = 6000\n",
		"conf.d/20-more.toml": "\n\n[xmpp]\ncomponent_port = 6000\n",
	})
	_, err := Load(dir, nil)
	if want := "conf.d/20-more.toml:4: xmpp.component_port: port 6000 is that of xmpp.client_port too"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestSyntaxErrorsHaveTheirLine(t *testing.T) {
	for text, want := range map[string]string{
		"[xmpp]\ndomain = meet.example\n":      "quorate.toml:2: syntax: ",
		"[xmpp]\n\n\nlisten = [\"a\"\n":        "quorate.toml:",
		"[xmpp]\ndomain = \"a\"\ndomain = 2\n": "quorate.toml:3: syntax: ",
		"[xmpp\n":                              "quorate.toml:1: syntax: ",
		"\xff\xfe":                             "quorate.toml:1: syntax: ",
	} {
		_, err := Load(folder(t, map[string]string{Main: text}), nil)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// viper splits keys at its delimiter and folds their case. With the default
// delimiter a table keyed by a domain is silently another table.
func TestDomainKeysStayWhole(t *testing.T) {
	const text = "[domains.\"Meet.Example\"]\nsecret = \"x\"\n"
	for delimiter, want := range map[string]bool{".": false, separator: true} {
		v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
		v.SetConfigType("toml")
		if err := v.ReadConfig(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		_, found := v.Get("domains").(map[string]any)["meet.example"]
		keys := v.AllKeys()
		parts := strings.Split(keys[0], delimiter)
		if whole := found && len(parts) == 3; whole != want {
			t.Errorf("delimiter %q: keys %q, whole %t", delimiter, keys, whole)
		}
	}
	// And in our files such a key is refused, not split.
	_, err := Load(folder(t, map[string]string{Main: "[xmpp]\n\"domain.meet.example\" = \"x\"\n"}), nil)
	if want := `quorate.toml:2: xmpp."domain.meet.example": unknown key`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	// Values keep their case and dots.
	l, err := Load(folder(t, map[string]string{Main: "[[xmpp.callbridge]]\nname = \"CB1\"\nsecret = \"A.b.C\"\n"}), nil)
	if err != nil || l.Values.XMPP.CallBridges[0] != (settings.CallBridge{Name: "CB1", Secret: "A.b.C"}) {
		t.Errorf("%v, %+v", err, l)
	}
}

func TestInlineAndDottedForms(t *testing.T) {
	for _, text := range []string{
		"xmpp.domain = \"a.example\"\nxmpp.client_port = 6000\n",
		"xmpp = { domain = \"a.example\", client_port = 6000 }\n",
		"[xmpp]\n'domain' = 'a.example'\nclient_port = 6_000\n",
	} {
		l, err := Load(folder(t, map[string]string{Main: text}), nil)
		if err != nil || l.Values.XMPP.Domain != "a.example" || l.Values.XMPP.ClientPort != 6000 {
			t.Errorf("%q: %v, %+v", text, err, l)
		}
	}
}

func TestOverlayIsADraft(t *testing.T) {
	dir := folder(t, map[string]string{Main: "[xmpp]\nclient_port = 6000\n"})
	l, err := Load(dir, map[string][]byte{Own: []byte("[xmpp]\nclient_port = 6001\n")})
	if err != nil || l.Values.XMPP.ClientPort != 6001 {
		t.Errorf("a new file: %v, %+v", err, l)
	}
	l, err = Load(dir, map[string][]byte{Main: nil})
	if err != nil || l.Values.XMPP.ClientPort != 5222 {
		t.Errorf("a file taken away: %v, %+v", err, l)
	}
	if _, err := os.Stat(filepath.Join(dir, Own)); err == nil {
		t.Error("a draft was written")
	}
}

func TestWriteKeepsModeAndLeavesNothingBehind(t *testing.T) {
	dir := folder(t, map[string]string{Main: "old"})
	path := filepath.Join(dir, Main)
	if info, _ := os.Stat(path); info.Mode().Perm() != ownMode {
		t.Errorf("a new file has mode %o", info.Mode().Perm())
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, Main, []byte("new")); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	info, _ := os.Stat(path)
	if string(text) != "new" || info.Mode().Perm() != 0o640 {
		t.Errorf("%q with mode %o", text, info.Mode().Perm())
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	if err := os.Mkdir(filepath.Join(dir, "taken.toml"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, "taken.toml", []byte("x")); err == nil {
		t.Error("a folder was replaced")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left behind after a failure: %v", entries)
	}
}

func TestOwnTextReadsBack(t *testing.T) {
	raw := settings.Raw{
		"xmpp.enabled": true, "xmpp.listen": []string{"a", "::1"}, "xmpp.outbox": int64(1070001), "xmpp.max_stanza": int64(1 << 20),
		"xmpp.callbridge": []map[string]any{{"name": "cb1", "secret": "quote\" back\\slash \t é"}}, "cluster.queue_time": "1m0s",
	}
	got, err := Check(Own, OwnText(raw))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(raw, got); diff != "" {
		t.Error(diff)
	}
}

func TestDefaultFileIsGood(t *testing.T) {
	text := settings.DefaultFile()
	if raw, err := Check(Main, []byte(text)); err != nil || len(raw) != 0 {
		t.Errorf("as it ships: %v, %v", err, raw)
	}
	// With every key uncommented it parses too, but for the example's empty secret.
	var open []string
	for line := range strings.Lines(text) {
		open = append(open, strings.TrimPrefix(line, "#"))
		if strings.HasPrefix(line, "# ") || line == "#\n" {
			open[len(open)-1] = line
		}
	}
	uncommented := strings.ReplaceAll(strings.Join(open, ""), `secret = ""`, `secret = "x"`)
	raw, err := Check(Main, []byte(uncommented))
	if err != nil || len(raw) != len(settings.Keys()) {
		t.Errorf("uncommented: %v, %d keys of %d", err, len(raw), len(settings.Keys()))
	}
}

// Whatever the text, there is a value or a problem with a line, never a panic;
// and what is accepted can be written and read back the same.
func FuzzParse(f *testing.F) {
	f.Add("[xmpp]\ndomain = \"a.example\"\n[[xmpp.callbridge]]\nname='x'\nsecret='y'\n")
	f.Add("xmpp = { listen = [\"a\"], client_port = 1 }\n\"\" = 1\n")
	f.Add("[[xmpp.callbridge]]\n[xmpp.callbridge.x]\n[a.b]\nc=1979-05-27\n")
	f.Add(settings.DefaultFile())
	f.Fuzz(func(t *testing.T, text string) {
		raw, err := Check(Main, []byte(text))
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if lineOf(line) < 1 && strings.HasPrefix(line, Main) {
					t.Fatalf("a problem without a line: %q", line)
				}
			}
			return
		}
		again, err := Check(Own, OwnText(raw))
		if err != nil || !cmp.Equal(raw, again) {
			t.Fatalf("%q: %v\n%s", text, err, cmp.Diff(raw, again))
		}
	})
}
