package metrics

import (
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gometrics "github.com/hashicorp/go-metrics"
)

// What the libraries tell is told on: counts, the last value of a gauge, times in
// seconds; two names for one thing are added, and what nobody asked for is dropped.
func TestLibraries(t *testing.T) {
	l, err := NewLibraries()
	if err != nil {
		t.Fatal(err)
	}
	gometrics.IncrCounter([]string{"raft", "state", "leader"}, 1)
	gometrics.IncrCounter([]string{"raft", "state", "leader"}, 1)
	gometrics.SetGaugeWithLabels([]string{"memberlist", "health", "score"}, 3, []gometrics.Label{{Name: "a", Value: "b"}})
	gometrics.AddSample([]string{"raft", "leader", "dispatchLog"}, 250)
	gometrics.AddSample([]string{"raft", "rpc", "appendEntries", "storeLogs"}, 500)
	gometrics.MeasureSince([]string{"raft", "commitTime"}, time.Now())
	gometrics.IncrCounter([]string{"raft", "of", "no", "interest"}, 1)
	s := New("", l.Read, slog.New(slog.NewTextHandler(io.Discard, nil)))
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, label := range m.Label {
				name += " " + label.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{"quorate_raft_states_total leader": 2, "quorate_raft_states_total candidate": 0, "quorate_serf_health_score": 3,
		"quorate_raft_log_writes_total": 2, "quorate_raft_log_write_seconds_total": 0.75, "quorate_raft_commits_total": 1} {
		if value, there := got[name]; !there || value != want {
			t.Errorf("%s: %v, want %v", name, value, want)
		}
	}
}

// The names are those that the libraries use, of the versions that go.mod names: one
// that is renamed would stay 0 and nobody would know.
func TestLibrariesUseTheNames(t *testing.T) {
	var source strings.Builder
	for _, module := range []string{"github.com/hashicorp/raft", "github.com/hashicorp/serf", "github.com/hashicorp/memberlist"} {
		dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, pattern := range []string{"*.go", "serf/*.go"} {
			files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				source.Write(text)
			}
		}
	}
	text := source.String()
	for name := range overheard {
		literal := `[]string{"` + strings.ReplaceAll(name, ".", `", "`) + `"}`
		if status, ok := strings.CutPrefix(name, "serf.member."); ok && (status == "failed" || status == "left") {
			literal = `return "` + status + `"` // of MemberStatus, which serf puts behind "serf", "member"
		}
		if !strings.Contains(text, literal) {
			t.Errorf("no library has %s", literal)
		}
	}
	if !strings.Contains(text, `[]string{"serf", "member", member.Status.String()}`) {
		t.Error("serf does not tell of members by their status")
	}
}
