package settings

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the generated files instead of comparing them")

//go:generate go test -run TestGeneratedFilesAreCurrent -update .
func TestGeneratedFilesAreCurrent(t *testing.T) {
	for path, want := range map[string]string{
		"../../config/quorate.toml":   DefaultFile(),
		"../../docs/configuration.md": Markdown(),
	} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what the schema gives; run go generate ./daemon/settings", path)
		}
	}
}
