package grammar

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
)

// sample has one command of every shape.
func sample() *Tree {
	return New([]Command{
		{Words: "xmpp status", Also: []string{"xmpp"}, Shows: true, Help: "Show"},
		{Words: "xmpp domain", Args: []Arg{{Name: "domain", Kind: Domain}}, Role: Admin, Help: "Set the domain"},
		{Words: "xmpp certs", Args: []Arg{{Name: "key", Kind: Key}, {Name: "crt", Kind: Cert}, {Name: "bundle", Kind: Cert, Optional: true}}, Help: "Set"},
		{Words: "xmpp certs none", Help: "Unset"},
		{Words: "xmpp callbridge list", Also: []string{"xmpp callbridge"}, Shows: true, Help: "List"},
		{Words: "xmpp callbridge add", Args: []Arg{{Name: "name"}}, Help: "Add"},
		{Words: "xmpp cluster status", Shows: true, Help: "Show the cluster"},
		{Words: "xmpp cluster recover", Flags: []Flag{{Name: "force", Help: "do it"}}, Help: "Recover"},
		{Words: "xmpp port", Args: []Arg{{Name: "which", Kind: Choice, Choices: []string{"client", "gossip"}}, {Name: "n", Kind: Number}}, Help: "Set a port"},
		{Words: "pki csr", Args: []Arg{{Name: "name"}, {Name: "attr", Many: true}}, Help: "Make a request"},
		{Words: "config show", Also: []string{"config"}, Args: []Arg{{Name: "key", Kind: Setting, Optional: true}}, Shows: true, Help: "Show"},
		{Words: "journalctl", Args: []Arg{{Name: "arg", Optional: true, Many: true}}, Raw: true, Help: "Read"},
		{Words: "help", Also: []string{"?"}, Args: []Arg{{Name: "command", Kind: Topic, Optional: true, Many: true}}, Help: "Help", Long: "More."},
		{Words: "exit", Also: []string{"quit"}, Help: "End"},
	})
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		line  string
		words string
		args  []string
		flags []string
	}{
		{line: "", words: ""},
		{line: "cb1>", words: ""},
		{line: "xmpp", words: "xmpp status"},
		{line: "  xmpp   status  ", words: "xmpp status"},
		{line: "XMPP Cluster STATUS", words: "xmpp cluster status"},
		{line: "cb1> xmpp cluster status", words: "xmpp cluster status"},
		{line: "cb1>> xmpp cluster status", words: "xmpp cluster status"},
		{line: "cb1> cb1>> xmpp cluster status", words: "xmpp cluster status"},
		{line: "xmpp call bridge list", words: "xmpp callbridge list"},
		{line: "xmpp call bridge add call", words: "xmpp callbridge add", args: []string{"call"}},
		{line: "xmpp callbridge", words: "xmpp callbridge list"},
		{line: "xmpp cluster status --json", words: "xmpp cluster status", flags: []string{"json"}},
		{line: "--json xmpp cluster status", words: "xmpp cluster status", flags: []string{"json"}},
		{line: "xmpp cluster recover --FORCE", words: "xmpp cluster recover", flags: []string{"force"}},
		{line: "xmpp domain Meet.Example", words: "xmpp domain", args: []string{"Meet.Example"}},
		{line: `xmpp domain "--json"`, words: "xmpp domain", args: []string{"--json"}},
		{line: "xmpp certs a.key a.cer", words: "xmpp certs", args: []string{"a.key", "a.cer"}},
		{line: "xmpp certs none", words: "xmpp certs none"},
		{line: "xmpp port CLIENT 5222", words: "xmpp port", args: []string{"CLIENT", "5222"}},
		{line: `pki csr x CN:a.b "O:Big Firm" subjectAltName:a,b`, words: "pki csr", args: []string{"x", "CN:a.b", "O:Big Firm", "subjectAltName:a,b"}},
		{line: "journalctl -u quorate-xmpp --no-pager", words: "journalctl", args: []string{"-u", "quorate-xmpp", "--no-pager"}},
		{line: "config show xmpp", words: "config show", args: []string{"xmpp"}},
	} {
		t.Run(tc.line, func(t *testing.T) {
			call, err := sample().Parse(tc.line)
			if err != nil {
				t.Fatal(err)
			}
			words := ""
			if call.Command != nil {
				words = call.Command.Words
			}
			if words != tc.words {
				t.Errorf("command is %q, want %q", words, tc.words)
			}
			if diff := cmp.Diff(tc.args, call.Args); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
			for _, f := range tc.flags {
				if !call.Flags[f] {
					t.Errorf("option --%s is missing", f)
				}
			}
			if len(call.Flags) != len(tc.flags) {
				t.Errorf("options are %v, want %v", call.Flags, tc.flags)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct{ line, message, remedy string }{
		{"xmpp domain", "the argument <domain> is missing", "type: xmpp domain <domain>"},
		{"xmpp domain a b", "there is an argument too many: b", "type: xmpp domain <domain>"},
		{"xmpp domain a --json", `"xmpp domain" has no option --json`, "type: xmpp domain <domain>"},
		{"xmpp certs a.key", "the argument <crt> is missing", "type: xmpp certs <key> <crt> [<bundle>]"},
		{"xmpp port server 1", `"server" is not one of client, gossip`, "type: xmpp port <client|gossip> <n>"},
		{"xmpp cluster recover --fore", `"xmpp cluster recover" has no option --fore`, "type: xmpp cluster recover [--force]"},
		{`xmpp domain "a`, "a quote is not closed", "close it, or put a backslash before it"},
	} {
		t.Run(tc.line, func(t *testing.T) {
			_, err := sample().Parse(tc.line)
			want := fault.Mend(fault.InvalidArgument, tc.message, tc.remedy)
			var got *fault.Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v, want a fault", err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnknown(t *testing.T) {
	for _, tc := range []struct{ line, nearest string }{
		{"xmpp clutser status", "xmpp cluster status [--json]"},
		{"xmp status", "xmpp status [--json]"},
		{"xmpp callbrige add cb1", "xmpp callbridge add <name>"},
		{"cluster status", "xmpp cluster status [--json]"},
		{"xmppstatus", "xmpp status [--json]"},
		{"exti", "exit"},
		{"qiut", "exit"},
		{"xmpp frobnicate", "help xmpp"},
		{"xmpp status now", "xmpp status [--json]"},
		{"config sho", "config show [<key>] [--json]"},
		{"frobnicate", ""},
		{"x", ""},
		{"xmpp cluster", "help xmpp cluster"},
	} {
		t.Run(tc.line, func(t *testing.T) {
			_, err := sample().Parse(tc.line)
			var unknown *UnknownError
			if !errors.As(err, &unknown) {
				t.Fatalf("got %v, want an UnknownError", err)
			}
			if unknown.Nearest != tc.nearest {
				t.Errorf("nearest is %q, want %q", unknown.Nearest, tc.nearest)
			}
			if want := "Unknown command: " + tc.line; unknown.Error() != want {
				t.Errorf("message is %q, want %q", unknown.Error(), want)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	for _, tc := range []struct {
		line string
		want []Token
	}{
		{"", nil},
		{" \t", nil},
		{"a b\tc", []Token{{"a", false}, {"b", false}, {"c", false}}},
		{`"a b" c`, []Token{{"a b", true}, {"c", false}}},
		{`a" "b`, []Token{{"a b", true}}},
		{`""`, []Token{{"", true}}},
		{`'a "b" \'`, []Token{{`a "b" \`, true}}},
		{`"a\"b"`, []Token{{`a"b`, true}}},
		{`a\ b`, []Token{{"a b", false}}},
		{"CN:meet.example", []Token{{"CN:meet.example", false}}},
	} {
		got, err := Tokens(tc.line)
		if err != nil {
			t.Errorf("Tokens(%q): %v", tc.line, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("Tokens(%q) (-want +got):\n%s", tc.line, diff)
		}
	}
	for _, line := range []string{`"`, `a 'b`, `a\`} {
		if _, err := Tokens(line); err == nil {
			t.Errorf("Tokens(%q) was accepted", line)
		}
	}
}

func TestStripPrompts(t *testing.T) {
	for line, want := range map[string]string{
		"cb1> a":            "a",
		"cb1>> a":           "a",
		"cb-1.meet.ex> a b": "a b",
		"cb1>":              "",
		"cb1>a":             "cb1>a",
		"a > b":             "a > b",
		"> a":               "> a",
		"cb1>>> a":          "cb1>>> a",
	} {
		if got := StripPrompts(line); got != want {
			t.Errorf("StripPrompts(%q) = %q, want %q", line, got, want)
		}
	}
}

func TestComplete(t *testing.T) {
	values := func(k Kind) []string {
		switch k {
		case Key:
			return []string{"xmpp.key", "web.key"}
		case Setting:
			return []string{"xmpp.listen", "xmpp.client_port", "xmpp.client_ports"}
		}
		return nil
	}
	for _, tc := range []struct {
		line, want string
		candidates []string
	}{
		{"xm", "xmpp ", nil},
		{"XM", "xmpp ", nil},
		{"xmpp c", "xmpp c", []string{"callbridge", "certs", "cluster"}},
		{"xmpp ca", "xmpp callbridge ", nil},
		{"xmpp cluster ", "xmpp cluster ", []string{"recover", "status"}},
		{"xmpp certs x", "xmpp certs xmpp.key ", nil},
		{"xmpp certs ", "xmpp certs ", []string{"none", "web.key", "xmpp.key"}},
		{"xmpp cluster recover --", "xmpp cluster recover --force ", nil},
		{"xmpp port ", "xmpp port ", []string{"client", "gossip"}},
		{"xmpp port g", "xmpp port gossip ", nil},
		{"config show xmpp.c", "config show xmpp.client_port", []string{"xmpp.client_port", "xmpp.client_ports"}},
		{"help xmpp cl", "help xmpp cluster ", nil},
		{"nonsense ", "nonsense ", nil},
		{`xmpp domain "a`, `xmpp domain "a`, nil},
		{"cb1> xmpp cl", "cb1> xmpp cluster ", nil},
	} {
		got := sample().Complete(tc.line, values)
		if diff := cmp.Diff(Completion{tc.want, tc.candidates}, got); diff != "" {
			t.Errorf("Complete(%q) (-want +got):\n%s", tc.line, diff)
		}
	}
}

func TestHelp(t *testing.T) {
	text, ok := sample().Help([]string{"help"})
	if want := "help [<command> …]\n\nHelp.\n\nMore.\n\nAlso: ?\n"; !ok || text != want {
		t.Errorf("got %q, want %q", text, want)
	}
	text, _ = sample().Help([]string{"xmpp", "call", "bridge"})
	if want := "xmpp callbridge add <name>     Add\nxmpp callbridge list [--json]  List\n"; text != want {
		t.Errorf("help of a group is %q", text)
	}
	if _, ok := sample().Help([]string{"nonsense"}); ok {
		t.Error("there is help for nonsense")
	}
}

func TestMarkdownNamesEveryCommand(t *testing.T) {
	tree := sample()
	text := tree.Markdown()
	for _, c := range tree.Commands() {
		if !strings.Contains(text, "    "+c.Usage()+"\n") {
			t.Errorf("%s is missing", c.Words)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{"xmpp status", `pki csr x "O:a b"`, "cb1>> --json xmpp", `'`, "xmpp call bridge list"} {
		f.Add(line)
	}
	tree := sample()
	f.Fuzz(func(t *testing.T, line string) {
		call, err := tree.Parse(line)
		if err != nil || call.Command == nil || call.Command.Raw {
			return
		}
		// What was understood, typed again word by word, is understood the same.
		words := append([]string{call.Command.Words}, quoteAll(call.Args)...)
		for flag := range call.Flags {
			words = append(words, "--"+flag)
		}
		again, err := tree.Parse(strings.Join(words, " "))
		if err != nil {
			t.Fatalf("%q was understood and %q is not: %v", line, words, err)
		}
		if again.Command != call.Command || !slices.Equal(again.Args, call.Args) {
			t.Fatalf("%q gives %v, %q gives %v", line, call.Args, words, again.Args)
		}
	})
}

func quoteAll(words []string) []string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote(w)
	}
	return quoted
}

func FuzzComplete(f *testing.F) {
	f.Add("xmpp c")
	f.Add("help ")
	tree := sample()
	f.Fuzz(func(t *testing.T, line string) {
		got := tree.Complete(line, func(Kind) []string { return []string{"é", "è", "a b"} })
		if len(got.Line) < len(strings.TrimRight(line, " ")) && len(got.Candidates) == 0 {
			t.Fatalf("Complete(%q) lost part of the line: %q", line, got.Line)
		}
	})
}
