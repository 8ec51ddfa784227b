package fault

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// published reads the codes from the source, so that one without a title can
// not be forgotten by the test as well.
func published(t *testing.T) []Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == "Code" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, Code(value))
		}
		return true
	})
	return codes
}

func TestEveryCodeHasATitle(t *testing.T) {
	codes := published(t)
	if len(codes) < 30 || len(codes) != len(titles) {
		t.Errorf("%d codes and %d titles", len(codes), len(titles))
	}
	seen := map[string]Code{}
	for _, c := range codes {
		title, ok := titles[c]
		if !ok {
			t.Errorf("%s has no title", c)
		}
		if title != strings.TrimSpace(title) || strings.HasSuffix(title, ".") {
			t.Errorf("the title %q of %s does not stand in a sentence", title, c)
		}
		if other, twice := seen[title]; twice {
			t.Errorf("%s and %s share the title %q", c, other, title)
		}
		seen[title] = c
		if c.Title() != title {
			t.Errorf("Title of %s = %q", c, c.Title())
		}
	}
}

func TestTitleOfACodeFromElsewhere(t *testing.T) {
	if got := Code("Novel").Title(); got != "Novel" {
		t.Errorf("Title = %q", got)
	}
}
