package shell

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/shell/console"
	"quorate.org/daemon/shell/grammar"
)

// person is someone at a shell: what they type after the line, and what they see.
type person struct {
	*Shell
	seen *bytes.Buffer
}

// sitDown gives a shell whose questions are answered by the lines of input.
func sitDown(t *testing.T, role grammar.Role, input string) person {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if _, err := w.WriteString(input); err != nil { // a pipe holds 64 KiB
		t.Fatal(err)
	}
	w.Close()
	seen := &bytes.Buffer{}
	s := New(Config{
		Hostname: "cb1", Version: "test", Role: role, Out: seen, Dial: bus.Dial,
		Console: console.Open(r, seen, nil, nil),
	})
	t.Cleanup(func() { s.Close() })
	return person{s, seen}
}

// run1 runs one line as an administrator's one-shot command.
func run1(t *testing.T, line, input string) (out string, code int) {
	t.Helper()
	p := sitDown(t, grammar.Admin, input)
	code = p.Execute(context.Background(), line)
	return p.seen.String(), code
}

// nodeKeys are the settings the test's node has when it is reset.
var nodeKeys = []string{
	"cluster.trust", "gossip.port", "xmpp.bundle", "xmpp.certificate", "xmpp.client_port", "xmpp.domain", "xmpp.enabled", "xmpp.key", "xmpp.listen",
}

func TestCommands(t *testing.T) {
	n := startNode(t)
	n.set(func() { n.users = []string{"alice"} })
	for _, tc := range []struct {
		line, input string
		out         string
		changes     []string
	}{
		{line: "xmpp domain meet.example", out: "SUCCESS: XMPP domain set to meet.example\n", changes: []string{"domain meet.example"}},
		{line: "xmpp listen A b,c 10.0.0.1", out: "SUCCESS: XMPP server listens on a b c 10.0.0.1\n", changes: []string{"set xmpp.listen=[a b c 10.0.0.1]"}},
		{line: "xmpp certs xmpp.key xmpp.cer ca.cer", out: "SUCCESS: Key and certificate pair match\nSUCCESS: XMPP certificate set\n",
			changes: []string{`check xmpp.key xmpp.cer "ca.cer" "meet.example"`, "set xmpp.bundle=ca.cer", "set xmpp.certificate=xmpp.cer", "set xmpp.key=xmpp.key"}},
		{line: "xmpp certs none", out: "SUCCESS: XMPP certificate removed\n", changes: []string{"set xmpp.bundle=", "set xmpp.certificate=", "set xmpp.key="}},
		{line: "xmpp port Gossip 7000", out: "SUCCESS: XMPP gossip port set to 7000\n", changes: []string{"set gossip.port=7000"}},
		{line: "xmpp cluster trust xmpp.cer", out: "WARNING: xmpp.cer is a leaf\nSUCCESS: cluster trust set to xmpp.cer\n", changes: []string{"set cluster.trust=xmpp.cer"}},
		{line: "xmpp callbridge add cb1", out: "SUCCESS: call bridge cb1 added\nCallbridge : cb1\nSecret     : RITmSh4smhLYguGpAb1\n", changes: []string{"callbridge cb1 RITmSh4smhLYguGpAb1"}},
		{line: "xmpp callbridge add-secret cb2", input: "s3cret\n", out: "Enter callbridge secret: \nSUCCESS: call bridge cb2 added\n", changes: []string{"callbridge cb2 s3cret"}},
		{line: "xmpp call bridge del cb2", out: "SUCCESS: call bridge cb2 removed\n", changes: []string{"callbridge del cb2"}},
		{line: "xmpp call bridge list", out: "***\nCallbridge : cb1\nDomain     : meet.example\nSecret     : RITmSh4smhLYguGpAb1\nConnected  : none\n"},
		{line: "xmpp disable", out: "SUCCESS: XMPP server disabled\n", changes: []string{"set xmpp.enabled=false"}},
		{line: "xmpp restart", out: "SUCCESS: XMPP service restarted\n", changes: []string{"restart quorate-xmpp.service"}},
		{line: "xmpp cluster join cb1.meet.example", out: "SUCCESS: joined the cluster of cb1.meet.example\n", changes: []string{"cluster join cb1.meet.example"}},
		{line: "xmpp cluster remove", out: "SUCCESS: this node has left the cluster\n", changes: []string{"cluster remove "}},
		{line: "xmpp cluster remove cb3", out: "SUCCESS: cb3 removed from the cluster\n", changes: []string{"cluster remove cb3"}},
		{line: "xmpp cluster recover --force", out: "Writes after index 12 may be lost\nSUCCESS: this node is a cluster of one; join fresh nodes to it\n", changes: []string{"cluster recover"}},
		{line: "xmpp cluster disable", out: "SUCCESS: cluster disabled, this node is standalone\n", changes: []string{"cluster disable"}},
		{line: "xmpp reset --force", out: "SUCCESS: XMPP configuration cleared, this node has a new node ID\n", changes: []string{"reset force=true", "unset " + strings.Join(nodeKeys, " ")}},
		{line: "xmpp reset", out: "SUCCESS: XMPP configuration cleared, this node has a new node ID\n", changes: []string{"reset force=false", "unset " + strings.Join(nodeKeys, " ")}},
		{line: "xmpp user add bob", input: "pw\npw\n", out: "Enter password: \nEnter password again: \nSUCCESS: user bob added\n", changes: []string{"user bob pw"}},
		{line: "xmpp user passwd bob", input: "pw", out: "Enter password: \nEnter password again: \nSUCCESS: password of bob set\n", changes: []string{"user passwd bob pw"}},
		{line: "xmpp user del bob", out: "SUCCESS: user bob removed\n", changes: []string{"user del bob"}},
		{line: "xmpp user", out: "USERNAME  SESSIONS\nalice     0\nbob       0\n"},
		{line: "xmpp multi_domain add Second.example second.key second.cer ca.cer", out: "SUCCESS: Key and certificate pair match\nSUCCESS: domain second.example added\n",
			changes: []string{`check second.key second.cer "ca.cer" "second.example"`, "multi_domain add second.example", "set xmpp.certificates=[second.example second.key second.cer ca.cer]"}},
		{line: "xmpp multi_domain add second.example second.key second.cer ca.cer", out: "SUCCESS: Key and certificate pair match\nSUCCESS: domain second.example added\n",
			changes: []string{`check second.key second.cer "ca.cer" "second.example"`, "multi_domain add second.example"}},
		{line: "xmpp multi_domain add third.example", out: "SUCCESS: domain third.example added\n", changes: []string{"multi_domain add third.example"}},
		{line: "xmpp multi_domain", out: "DOMAIN          KEY         CERTIFICATE  BUNDLE  USERS\nsecond.example  second.key  second.cer   none    0\nthird.example   none        none         none    0\n" +
			"WARNING: this node has no certificate that names third.example\nREMEDY: xmpp multi_domain add third.example\n"},
		{line: "xmpp multi_domain del second.example", out: "SUCCESS: domain second.example removed\n", changes: []string{"multi_domain del second.example", "set xmpp.certificates=[]"}},
		{line: "xmpp multi_domain del third.example", out: "SUCCESS: domain third.example removed\n", changes: []string{"multi_domain del third.example"}},
		{line: `pki csr xmpp CN:meet.example "O:Big Firm"`, out: "SUCCESS: created xmpp.key and xmpp.csr; fetch the request by SFTP and have it signed\n", changes: []string{"csr xmpp CN:meet.example|O:Big Firm"}},
		{line: "pki selfsigned web", out: "SUCCESS: created web.key and web.cer, not for production\n", changes: []string{"selfsigned web "}},
		{line: "pki match xmpp.key xmpp.cer", out: "SUCCESS: Key and certificate pair match\n"},
		{line: "pki verify xmpp.cer ca.cer", out: "SUCCESS: xmpp.cer is verified by ca.cer\n"},
		{line: "pki import xmpp.p12", input: "pass phrase\n", out: "Enter passphrase: \nSUCCESS: imported xmpp.key, xmpp.cer\n", changes: []string{"import xmpp.p12 pass phrase"}},
		{line: "pki export xmpp", input: "pw\npw\n", out: "Enter passphrase: \nEnter passphrase again: \nSUCCESS: xmpp.p12 is ready for download by SFTP\n", changes: []string{"export xmpp pw"}},
		{line: "pki remove old.cer", out: "SUCCESS: old.cer removed\n", changes: []string{"remove old.cer"}},
		{line: "config set xmpp.listen a b", out: "SUCCESS: xmpp.listen set to a b\n", changes: []string{"set xmpp.listen=[a b]"}},
		{line: "config set xmpp.domain other.example", out: "SUCCESS: xmpp.domain set to other.example\n", changes: []string{"set xmpp.domain=other.example"}},
		{line: "config unset xmpp.domain xmpp.key", out: "SUCCESS: xmpp.domain, xmpp.key unset\n", changes: []string{"unset xmpp.domain xmpp.key"}},
		{line: "config reload", out: "SUCCESS: configuration read\n", changes: []string{"reload"}},
		{line: "config show xmpp.l", out: "KEY          VALUE  SOURCE\nxmpp.listen  [a b]  default\n"},
		{line: "hostname", out: "cb1\n"},
		{line: "hostname cb9", out: "SUCCESS: host name set to cb9\n", changes: []string{"hostname cb9"}},
		{line: "timezone", out: "Etc/UTC\n"},
		{line: "timezone Europe/Vienna", out: "SUCCESS: time zone set to Europe/Vienna\n", changes: []string{"zone Europe/Vienna"}},
		{line: "keyboard", out: "us\n"},
		{line: "keyboard de", out: "SUCCESS: keyboard layout set to de\n", changes: []string{"keyboard de"}},
		{line: "banner", out: "Keep out\n"},
		{line: `banner set "Keep out: this is ours"`, out: "SUCCESS: banner set\n", changes: []string{"banner Keep out: this is ours"}},
		{line: "banner del", out: "SUCCESS: banner removed\n", changes: []string{"banner "}},
		{line: "reboot --yes", out: "SUCCESS: restarting\n", changes: []string{"power reboot"}},
		{line: "shutdown", out: "SUCCESS: shutting down\n", changes: []string{"power poweroff"}},
		{line: "database cluster attach 10.0.0.1", out: "SUCCESS: no database cluster is needed: the state of the XMPP cluster is replicated between its members\nSee: xmpp cluster status\n"},
		{line: "", out: ""},
	} {
		t.Run(tc.line, func(t *testing.T) {
			out, code := run1(t, tc.line, tc.input)
			if diff := cmp.Diff(tc.out, out); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.changes, n.changes()); diff != "" {
				t.Errorf("changed (-want +got):\n%s", diff)
			}
			if code != 0 {
				t.Errorf("exit status %d", code)
			}
		})
	}
}

func TestRefusalsChangeNothing(t *testing.T) {
	n := startNode(t)
	n.set(func() { n.values["xmpp.enabled"] = true })
	for _, tc := range []struct{ line, input, out string }{
		{"xmpp clutser status", "", "Unknown command: xmpp clutser status\nDid you mean: xmpp cluster status [--json]\n"},
		{"frobnicate", "", "Unknown command: frobnicate\n"},
		{"help frobnicate", "", "Unknown command: frobnicate\n"},
		{"xmpp domain", "", "FAILURE: the argument <domain> is missing\nREMEDY: type: xmpp domain <domain>\n"},
		{"xmpp certs none", "", "FAILURE: the XMPP server is enabled and needs its certificate\nREMEDY: xmpp disable\n"},
		{"xmpp multi_domain add second.example second.key", "", "FAILURE: the certificate of second.key is missing\nREMEDY: xmpp multi_domain add second.example <key> <certificate> [<bundle>]\n"},
		{"xmpp multi_domain add @", "", "FAILURE: @ is not a domain name\nREMEDY: give a name such as second.example\n"},
		{"xmpp multi_domain del none.example", "", "FAILURE: there is no further domain none.example\nREMEDY: xmpp multi_domain list\n"},
		{"xmpp certs xmpp.key other.cer", "", "FAILURE: xmpp.key does not belong to other.cer\n"},
		{"xmpp port client 99999", "", "FAILURE: \"99999\" is not a port\nREMEDY: give a number from 1 to 65535\n"},
		{"xmpp port client five", "", "FAILURE: \"five\" is not a port\nREMEDY: give a number from 1 to 65535\n"},
		{"xmpp callbridge add a.b", "", "FAILURE: a call bridge name has no dot\nREMEDY: use letters and digits\n"},
		{"xmpp callbridge del cb9", "", "FAILURE: there is no call bridge cb9\nREMEDY: xmpp callbridge list\n"},
		{"xmpp callbridge add-secret cb1", "", "Enter callbridge secret: \nFAILURE: the answer is missing, nothing was changed\nREMEDY: type it at the prompt, or give it on standard input\n"},
		{"xmpp callbridge add-secret cb1", "\n", "Enter callbridge secret: \nFAILURE: nothing was entered, nothing was changed\nREMEDY: type the command again and enter it\n"},
		{"xmpp cluster join nowhere.example", "", "FAILURE: nowhere.example does not resolve\nREMEDY: dns lookup a nowhere.example\n"},
		{"xmpp cluster recover", "", "Writes after index 12 may be lost\nFAILURE: nothing was changed\nREMEDY: xmpp cluster recover --force\n"},
		{"xmpp user add bob", "one\ntwo\n", "Enter password: \nEnter password again: \nFAILURE: the two do not match, nothing was changed\nREMEDY: type the command again\n"},
		{"pki inspect nothing.cer", "", "FAILURE: there is no file nothing.cer\nREMEDY: pki list\n"},
		{"pki inspect nothing.cer --json", "", "{\n  \"code\": \"NotFound\",\n  \"text\": \"there is no file nothing.cer\",\n  \"remedy\": \"pki list\"\n}\n"},
		{"config show nothing", "", "FAILURE: there is no setting \"nothing\"\nREMEDY: config show\n"},
		{"config set nothing 1", "", "FAILURE: there is no setting \"nothing\"\nREMEDY: config show\n"},
		{"config set xmpp.domain a b", "", "FAILURE: xmpp.domain takes one value\nREMEDY: quote a value with spaces\n"},
		{"xmpp enable", "", "FAILURE: No XMPP domain is set\nREMEDY: xmpp domain <domain>\nFAILURE: No key and certificate are set\nREMEDY: xmpp certs <key> <certificate>\n"},
	} {
		t.Run(tc.line, func(t *testing.T) {
			out, code := run1(t, tc.line, tc.input)
			if diff := cmp.Diff(tc.out, out); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
			if changes := n.changes(); len(changes) > 0 {
				t.Errorf("changed %v", changes)
			}
			if code != 1 {
				t.Errorf("exit status %d, want 1", code)
			}
		})
	}
}

// The walkthrough of product.md §1, typed into one session, in its order.
func TestWalkthrough(t *testing.T) {
	n := startNode(t)
	p := sitDown(t, grammar.Admin, strings.Join([]string{
		"cb1> pki csr xmpp CN:meet.example subjectAltName:cb1.meet.example,cb2.meet.example,cb3.meet.example",
		"cb1> pki export xmpp", "pw", "pw",
		"cb1> pki list",
		"cb1> xmpp domain meet.example",
		"cb1> xmpp listen a",
		"cb1> xmpp certs xmpp.key xmpp.cer ca.cer",
		"cb1> xmpp cluster trust xmpp.cer",
		"cb1> xmpp callbridge add cb1",
		"cb1>> xmpp call bridge add cb2",
		"cb1> xmpp callbridge list",
		"cb1> xmpp disable",
		"cb1> xmpp cluster enable",
		"cb1> xmpp cluster initialize",
		"cb1> xmpp enable",
		"cb1> xmpp callbridge add-secret cb3", "s3cret",
		"cb1> xmpp cluster status",
		"cb1> exit",
		"cb1> xmpp reset",
	}, "\n"))
	if code := p.Interact(context.Background()); code != 0 {
		t.Errorf("exit status %d", code)
	}
	want := []string{
		"csr xmpp CN:meet.example|subjectAltName:cb1.meet.example,cb2.meet.example,cb3.meet.example",
		"export xmpp pw", "domain meet.example", "set xmpp.listen=[a]",
		`check xmpp.key xmpp.cer "ca.cer" "meet.example"`,
		"set xmpp.bundle=ca.cer", "set xmpp.certificate=xmpp.cer", "set xmpp.key=xmpp.key",
		"set cluster.trust=xmpp.cer",
		"callbridge cb1 RITmSh4smhLYguGpAb1", "callbridge cb2 RITmSh4smhLYguGpAb1",
		"set xmpp.enabled=false", "cluster enable", "cluster initialize", "set xmpp.enabled=true", "callbridge cb3 s3cret",
	}
	if diff := cmp.Diff(want, n.changes()); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	out := p.seen.String()
	if strings.Contains(out, "FAILURE") || strings.Contains(out, "Unknown") {
		t.Errorf("something was refused:\n%s", out)
	}
	for _, text := range []string{
		"SUCCESS: Key and certificate pair match\nSUCCESS: XMPP server enabled\n",
		"State: LEADER\nList of peers\n10.0.0.10:5222 (Leader)\n",
	} {
		if !strings.Contains(out, text) {
			t.Errorf("%q was not printed:\n%s", text, out)
		}
	}
}

// A script that feeds a session answers questions with its next line.
func TestConfirmations(t *testing.T) {
	n := startNode(t)
	for _, tc := range []struct {
		answer string
		agreed bool
	}{{"Y", true}, {"y", true}, {"yes", true}, {"n", false}, {"", false}, {"yess", false}} {
		p := sitDown(t, grammar.Admin, "reboot\n"+tc.answer+"\n")
		code := p.Interact(context.Background())
		if got := len(n.changes()) == 1; got != tc.agreed || (code == 0) != tc.agreed {
			t.Errorf("the answer %q: done %v, exit status %d:\n%s", tc.answer, got, code, p.seen)
		}
		if !strings.Contains(p.seen.String(), "Are you sure? (Y/n)") {
			t.Errorf("the question was not asked:\n%s", p.seen)
		}
	}
}

func TestOperatorMayOnlyRead(t *testing.T) {
	n := startNode(t)
	testJournal(t)
	n.set(func() { n.bridges = []bus.CallBridge{{Name: "cb1", Secret: "RITmSh4smhLYguGpAb1"}} })
	for _, c := range New(Config{}).tree.Commands() {
		words := append(strings.Fields(c.Words), sampleArguments(c)...)
		p := sitDown(t, grammar.Operator, "")
		code := p.ExecuteWords(context.Background(), words)
		refused := strings.Contains(p.seen.String(), "is for administrators\nREMEDY: sign in as a member of quorate-admin\n")
		if refused != (c.Role == grammar.Admin) {
			t.Errorf("%s for a %s: refused %v, exit status %d:\n%s", c.Words, c.Role, refused, code, p.seen)
		}
	}
	if changes := n.changes(); len(changes) > 0 {
		t.Errorf("an operator changed %v", changes)
	}
	p := sitDown(t, grammar.Operator, "")
	p.Execute(context.Background(), "xmpp callbridge list --json")
	if out := p.seen.String(); strings.Contains(out, "RITmSh4smhLYguGpAb1") || !strings.Contains(out, "********") {
		t.Errorf("an operator sees %s", out)
	}
}

// sampleArguments are arguments a command takes.
func sampleArguments(c *grammar.Command) []string {
	var args []string
	for _, a := range c.Args {
		switch {
		case a.Optional:
		case a.Kind == grammar.Choice:
			args = append(args, a.Choices[0])
		default:
			args = append(args, "1")
		}
	}
	return args
}

func TestEverythingThatShowsTakesJSON(t *testing.T) {
	startNode(t)
	testJournal(t)
	serveDNS(t)
	shown := 0
	for _, c := range New(Config{}).tree.Commands() {
		if !c.Shows {
			continue
		}
		shown++
		p := sitDown(t, grammar.Admin, "")
		p.resolver = testResolver(t)
		words := append(strings.Fields(c.Words), sampleArguments(c)...)
		if c.Words == "dns lookup" {
			words = []string{"dns", "lookup", "a", "cb1.meet.example."}
		}
		p.ExecuteWords(context.Background(), append(words, "--json"))
		var value any
		if err := json.Unmarshal(p.seen.Bytes(), &value); err != nil || value == nil {
			t.Errorf("%s --json prints %q: %v", c.Words, p.seen, err)
		}
	}
	if shown < 10 {
		t.Errorf("only %d commands show something", shown)
	}
}

func TestReferenceIsCurrent(t *testing.T) {
	got, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Reference(), string(got)); diff != "" {
		t.Errorf("docs/commands.md is not made from the tree; run go generate ./daemon/shell (-want +got):\n%s", diff)
	}
}

// A cluster setting that differs from the store is stored, and said to have no effect.
func TestSetWarnsOfDrift(t *testing.T) {
	n := startNode(t)
	n.set(func() {
		n.values["xmpp.domain"], n.scope = "meet.example", "cluster"
		n.faults = []bus.Fault{{Code: "Drift", Text: "xmpp.domain differs", Remedy: "xmpp domain"}}
	})
	out, code := run1(t, "config set xmpp.domain other.example", "")
	if !strings.HasSuffix(out, "SUCCESS: xmpp.domain set to other.example\nWARNING: xmpp.domain differs\nREMEDY: xmpp domain\n") || code != 0 {
		t.Errorf("exit status %d, printed %q", code, out)
	}
}
