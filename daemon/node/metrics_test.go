package node

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"quorate.org/daemon/settings"
)

// scrape asks a node's port for its metrics; "" while that is not open.
func (r *rig) scrape(port string) string {
	resp, err := http.Get("http://" + r.addr + ":" + port + "/metrics")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	r.must(err)
	return string(b)
}

// The metrics are given where the settings say, live, with each bound of the schema
// and how often it was reached.
func TestMetrics(t *testing.T) {
	r, _ := enabled(t)
	if r.scrape("9645") != "" {
		t.Error("the port is open though nobody asked for it")
	}
	r.set(map[string]any{"metrics.listen": []string{r.addr}, "xmpp.max_depth": int64(33)})
	var text string
	r.until("the metrics", func() bool {
		text = r.scrape("9645")
		return strings.Contains(text, `quorate_bound{setting="xmpp.max_depth"} 33`)
	})
	for _, k := range settings.Keys() {
		if !k.Bound {
			continue
		}
		for _, metric := range []string{"quorate_bound", "quorate_bound_reached_total"} {
			if !strings.Contains(text, metric+`{setting="`+k.Name+`"} `) {
				t.Errorf("there is no %s of %s", metric, k.Name)
			}
		}
	}
	// What the libraries tell is of the whole process: a node of the test before may still end.
	for _, want := range []string{`quorate_raft_leader 1`, `quorate_raft_voters 1`, `quorate_forwarding_open 1`, `quorate_connections\{port="client"\} 0`,
		`quorate_store_callbridges \d`, `quorate_archive_messages 0`, `quorate_archive_bytes [1-9]`, `quorate_journal_records_total\{level="INFO"\} \d`,
		`quorate_raft_states_total\{state="leader"\} [1-9]`, `quorate_raft_commits_total [1-9]`, `quorate_raft_commit_seconds_total \d`, `quorate_raft_log_writes_total [1-9]`,
		`quorate_raft_applies_total [1-9]`, `quorate_serf_events_total\{event="failed"\} \d`} {
		if !regexp.MustCompile("(?m)^" + want).MatchString(text) {
			t.Errorf("there is no %s in %s", want, text)
		}
	}
	conn := r.handshake()
	defer conn.Close()
	r.until("the connection to be counted", func() bool { return strings.Contains(r.scrape("9645"), `quorate_connections{port="component"} 1`) })
	r.set(map[string]any{"metrics.listen": []string{}})
	r.until("the port to close", func() bool { return r.scrape("9645") == "" })
}
