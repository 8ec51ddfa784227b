package foreign

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The bill of materials keeps CycloneDX's own schema, and names what is known to
// be in the image.
func TestM4_1_BillOfMaterials(t *testing.T) {
	text, err := os.ReadFile(built("quorate.cdx.json"))
	must(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	must(t, err)
	must(t, schema(t).Validate(document))
	var bom cyclonedx.BOM
	must(t, cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&bom))
	count := map[string]int{}
	var missing []string
	for _, want := range []string{"pkg:deb/debian/systemd@", "pkg:deb/debian/systemd-cryptsetup@", "pkg:deb/debian/linux-image-", "pkg:golang/std@", "pkg:golang/github.com/hashicorp/raft@"} {
		found := false
		for _, c := range *bom.Components {
			found = found || strings.HasPrefix(c.PackageURL, want)
		}
		if !found {
			missing = append(missing, want)
		}
	}
	if missing != nil {
		t.Errorf("not in it: %v", missing)
	}
	for _, c := range *bom.Components {
		kind, _, _ := strings.Cut(c.PackageURL, "/")
		count[kind]++
		if c.Version == "" {
			t.Errorf("%s has no version", c.Name)
		}
	}
	t.Logf("M4.1 bill of materials by CycloneDX's schema 1.6: %d Debian packages, %d Go modules", count["pkg:deb"], count["pkg:golang"])
}

// schema reads CycloneDX's schema from the source of its Go library.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	must(t, err)
	c := jsonschema.NewCompiler()
	for _, name := range []string{"bom-1.6.schema.json", "spdx.schema.json", "jsf-0.82.schemax.json"} {
		file := filepath.Join(strings.TrimSpace(string(out)), "schema", name)
		text, err := os.ReadFile(file)
		must(t, err)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		must(t, err)
		must(t, c.AddResource("http://cyclonedx.org/schema/"+strings.Replace(name, ".schemax", ".schema", 1), document))
	}
	s, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	must(t, err)
	return s
}
