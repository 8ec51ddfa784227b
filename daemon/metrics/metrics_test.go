package metrics

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var update = flag.Bool("update", false, "write the generated file instead of comparing it")

//go:generate go test -run TestDocumentIsCurrent -update .
func TestDocumentIsCurrent(t *testing.T) {
	const path = "../../docs/metrics.md"
	if *update {
		if err := os.WriteFile(path, []byte(Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != Markdown() {
		t.Errorf("%s is not what the table gives; run go generate ./daemon/metrics", path)
	}
}

// Every row is complete, and no two have one name.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range table {
		if m.Help == "" || !strings.HasSuffix(m.Help, ".") && !strings.HasSuffix(m.Help, ").") || seen[m.Name] {
			t.Errorf("%s: no sentence, or a second row", m.Name)
		}
		if counts := strings.HasSuffix(m.Name, "_total"); counts != (m.Kind == prometheus.CounterValue) {
			t.Errorf("%s: the name of a counter ends with _total, and no other", m.Name)
		}
		seen[m.Name] = true
	}
}

// every puts a number for each row.
func every(r *Readings) {
	for i, m := range table {
		labels := slices.Repeat([]string{"x"}, len(m.Labels))
		r.Put(m, float64(i), labels...)
	}
}

// start runs a server that is ended with the test.
func start(t *testing.T) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "m") // a socket's path may have 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	s := New(filepath.Join(dir, "s"), every, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done; _ = os.RemoveAll(dir) })
	return s
}

// fetch asks for the metrics, until a listener is there.
func fetch(t *testing.T, network, addr string) (text string, status int, err error) {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		}}}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var resp *http.Response
		if resp, err = client.Get("http://node/metrics"); err != nil {
			continue
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return string(body), resp.StatusCode, err
	}
	return "", 0, err
}

// The socket and the port give every metric of the table, and those of the
// program; a port that is no longer wanted is closed.
func TestServer(t *testing.T) {
	s := start(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(free.Addr().String())
	if err := s.Listen([]netip.AddrPort{at}); err == nil {
		t.Error("a port that is taken is no error")
	}
	_ = free.Close()
	if err := s.Listen([]netip.AddrPort{at}); err != nil {
		t.Fatal(err)
	}
	for network, addr := range map[string]string{"unix": s.socket, "tcp": at.String()} {
		text, status, err := fetch(t, network, addr)
		if err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d, %v", network, status, err)
		}
		for _, m := range table {
			if !strings.Contains(text, "# TYPE "+m.Name+" "+kindText(m.Kind)+"\n"+m.Name) {
				t.Errorf("%s: there is no %s", network, m.Name)
			}
		}
		if !strings.Contains(text, "\ngo_goroutines ") || !strings.Contains(text, "\nprocess_resident_memory_bytes ") {
			t.Errorf("%s: nothing is told of the program", network)
		}
	}
	if err := s.Listen(nil); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", at.String()); err == nil {
		_ = c.Close()
		t.Error("the port is still open")
	}
}

// The dashboard names metrics that there are, with labels that they have.
func TestDashboard(t *testing.T) {
	data, err := os.ReadFile("../../docs/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	s := start(t)
	text, _, err := fetch(t, "unix", s.socket)
	if err != nil {
		t.Fatal(err)
	}
	name, label := regexp.MustCompile(`\b(quorate|go|process)_[a-z_]+`), regexp.MustCompile(`\{\{(\w+)\}\}`)
	used := 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			names := name.FindAllString(target.Expr, -1)
			used += len(names)
			for _, n := range names {
				if !strings.Contains(text, "# TYPE "+n+" ") {
					t.Errorf("%s: there is no metric %s", p.Title, n)
				}
			}
			for _, l := range label.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !slices.ContainsFunc(names, func(n string) bool { return l[1] == "instance" || hasLabel(n, l[1]) }) {
					t.Errorf("%s: %q names a label that %v do not have", p.Title, target.LegendFormat, names)
				}
			}
		}
	}
	if used < 20 {
		t.Errorf("the dashboard uses %d metrics: it was not read", used)
	}
}

func hasLabel(metric, label string) bool {
	return slices.ContainsFunc(table, func(m *Metric) bool { return m.Name == metric && slices.Contains(m.Labels, label) })
}

// Records are counted by level and by the fault they name, whatever logger of the
// family writes them.
func TestRecords(t *testing.T) {
	r := NewRecords()
	log := slog.New(r.Handler(slog.NewTextHandler(io.Discard, nil)))
	log.With("a", 1).Warn("x", "fault", "TLS")
	log.WithGroup("g").Warn("x")
	log.Error("x", "code", "NoQuorum")
	s := New("", r.Read, log)
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			if len(m.Label) == 1 {
				got[m.Label[0].GetValue()] = m.Counter.GetValue()
			}
		}
	}
	for label, want := range map[string]float64{"WARN": 2, "ERROR": 1, "INFO": 0, "TLS": 1, "NoQuorum": 1} {
		if got[label] != want {
			t.Errorf("%s: %v, want %v", label, got[label], want)
		}
	}
}
