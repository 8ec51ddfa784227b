package checks

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

// The layers, lowest first. A room imports rooms of its own layer and below;
// within a layer Go forbids the circles.
var layers = [][]string{
	{"fault", "jid", "xmlwire", "stanza", "sasl", "settings", "im", "pep", "archive", "replica"}, // pure
	{"stream", "router", "pki", "dnscheck", "backup", "firewall", "update", "gpt", "timezone"},   // decisions
	{"journal", "journal/journaltest", "service", "metrics", "bus", "bus/bustest", "settings/file", "pki/store", "pki/pkitest", "edge", "mesh", "gossip", // owners
		"consensus", "cluster", "forward", "confd", "certd", "node", "resolve", "pam", "pam/pamtest", "signin", "health", "logs", "netif", "netfilter", "keypair", "atomicfile", "keymap", "change", "errand", "password", "account", "provision", "upgrade"},
	{"callbridge", "web", "shell", "shell/grammar", "shell/layout", "shell/console", "shell/exchange", "shell/bundle", "screen"}, // faces
}

// keepers are the only rooms that may import a library, their tests aside.
var keepers = map[string][]string{
	"github.com/hashicorp/serf":          {"gossip"},
	"github.com/hashicorp/memberlist":    {"gossip"},
	"github.com/hashicorp/raft":          {"consensus"},
	"go.etcd.io/bbolt":                   {"consensus"},
	"github.com/godbus/dbus":             {"bus"},
	"github.com/spf13/viper":             {"settings/file"},
	"github.com/pelletier/go-toml":       {"settings", "settings/file"},
	"github.com/miekg/dns":               {"resolve"},
	"github.com/ebitengine/purego":       {"pam"},
	module + "pam":                       {}, // what libpam loads lives in a process of one sign-in: a command's own
	"github.com/xdg-go/scram":            {}, // the client of tests
	"software.sslmate.com/src/go-pkcs12": {"pki"},
	"filippo.io/age":                     {"backup"},
	"github.com/prometheus":              {"metrics"},
	"github.com/hashicorp/go-metrics":    {"metrics"},
	"github.com/pkg/sftp":                {"shell/exchange"},
	"golang.org/x/term":                  {"shell", "shell/console"},
}

// pureForbidden is what code without I/O has no use for.
var pureForbidden = []string{"net", "os", "os/exec", "net/http", "log/slog", "sync/atomic"}

// netParsers use the parsers of package net, not its sockets.
var netParsers = []string{"replica", "settings"}

const module = "quorate.org/daemon/"

// TestImportLaw holds architecture.md's law: imports go down the layers, and
// each library has its keeper.
func TestImportLaw(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./daemon/...")
	cmd.Dir = labtest.Root()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		names := strings.Fields(line)
		judge(t, strings.TrimPrefix(names[0], module), names[1:])
	}
}

func judge(t *testing.T, room string, imports []string) {
	top := strings.HasPrefix(room, "cmd/") || strings.HasPrefix(room, "internal/") || strings.HasPrefix(room, "tests/")
	at := layerOf(room)
	if at < 0 && !top {
		t.Errorf("%s is in no layer: give it one in this test", room)
		return
	}
	for _, imp := range imports {
		if other, ours := strings.CutPrefix(imp, module); ours && !top && layerOf(other) > at {
			t.Errorf("%s imports %s, which is above it", room, other)
		}
		for lib, rooms := range keepers {
			if (imp == lib || strings.HasPrefix(imp, lib+"/")) && !top && !slices.Contains(rooms, room) {
				t.Errorf("%s imports %s, which only %v may", room, imp, rooms)
			}
		}
		if at == 0 && slices.Contains(pureForbidden, imp) && !(imp == "net" && slices.Contains(netParsers, room)) {
			t.Errorf("%s is pure and imports %s", room, imp)
		}
	}
}

func layerOf(room string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, room) })
}

// TestEveryPackageIsDocumented: doc.go says what a room owns.
func TestEveryPackageIsDocumented(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", `{{if not .Doc}}{{.ImportPath}}{{end}}`, "./daemon/...", "./config")
	cmd.Dir = labtest.Root()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	if s := strings.TrimSpace(string(out)); s != "" {
		t.Errorf("packages without a comment:\n%s", s)
	}
}
