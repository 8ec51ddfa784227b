package checks

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quorate.org/daemon/internal/lab/labtest"
)

// bounded are the rooms whose bounds are listed: what a peer can reach over a port of
// the XMPP service.
var bounded = []string{"xmlwire", "stanza", "sasl", "stream", "edge", "router", "forward", "im", "pep", "archive", "replica", "mesh", "consensus"}

// boundName is how a constant is called that bounds something.
var boundName = regexp.MustCompile(`^[mM]ax[A-Z]|(Wait|Within|Delay|Hold|Bound|Bytes|Limit)$`)

// boundRow is a row of the table in docs/bounds.md: room and constant, its value as the
// source has it, and why it is none of the settings.
var boundRow = regexp.MustCompile("(?m)^\\| `([a-z]+)\\.(\\w+)` \\| `([^`]+)` \\| .*\\w.* \\|$")

// TestBoundsAreListed: a bound is a setting or, with the reason, a row of docs/bounds.md,
// which has the value that the source has.
func TestBoundsAreListed(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(labtest.Root(), "docs/bounds.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, m := range boundRow.FindAllStringSubmatch(string(doc), -1) {
		listed[m[1]+"."+m[2]] = m[3]
	}
	found := map[string]string{}
	for _, room := range bounded {
		constants(t, room, found)
	}
	for name, value := range found {
		_, constant, _ := strings.Cut(name, ".")
		if listed[name] == "" && boundName.MatchString(constant) {
			t.Errorf("%s = %s is in no row of docs/bounds.md: make it a setting, or say there why it is none", name, value)
		}
	}
	for name, value := range listed {
		if found[name] != value {
			t.Errorf("docs/bounds.md says that %s is %s; the source has %q", name, value, found[name])
		}
	}
	if len(listed) < 20 {
		t.Errorf("docs/bounds.md lists %d: the table was not read", len(listed))
	}
}

// constants adds the constants of a room that are numbers.
func constants(t *testing.T, room string, to map[string]string) {
	files, err := filepath.Glob(filepath.Join(labtest.Root(), "daemon", room, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", room, len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				for _, s := range g.Specs {
					numbers(s.(*ast.ValueSpec), func(n string, e ast.Expr) {
						to[room+"."+n] = string(text[set.Position(e.Pos()).Offset:set.Position(e.End()).Offset])
					})
				}
			}
		}
	}
}

// numbers yields the constants of a declaration whose value is written as a number.
func numbers(s *ast.ValueSpec, yield func(name string, value ast.Expr)) {
	for i, n := range s.Names {
		if i >= len(s.Values) {
			continue
		}
		number := false
		ast.Inspect(s.Values[i], func(n ast.Node) bool {
			l, ok := n.(*ast.BasicLit)
			number = number || ok && l.Kind == token.INT
			text, isText := n.(*ast.BasicLit)
			return !isText || text.Kind != token.STRING
		})
		if _, single := s.Values[i].(*ast.Ident); number || single && s.Values[i].(*ast.Ident).Name != "iota" {
			yield(n.Name, s.Values[i])
		}
	}
}
