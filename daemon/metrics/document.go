package metrics

import (
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"quorate.org/daemon/settings"
)

// Markdown returns docs/metrics.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString(`# Metrics

Generated from the table in daemon/metrics; edit that.

The XMPP service gives its numbers to [Prometheus](https://prometheus.io) in its text format, for ` + "`GET /metrics`" + `: always on a
local socket, and over HTTP where ` + "`metrics.listen`" + ` says. That port asks for no password and is not encrypted, so it belongs on
an interface for administration; while the setting is empty it is closed.

` + "```" + `
curl --unix-socket /run/quorate-xmpp/metrics.sock http://node/metrics
config set metrics.listen a
` + "```" + `

` + "`docs/grafana.json`" + ` is a dashboard of them: in Grafana, Dashboards > New > Import. Beside what follows there are the usual metrics
of a program written in Go, ` + "`go_…` and `process_…`" + `. Counters begin again at 0 when the service starts anew, or opens its
store and ports anew for a setting that asks for it. Names of users, addresses and messages are in no metric. What an
administrator reads first, ` + "`health` and `xmpp cluster status`" + `, and Web Admin > Status, need none of this.

| metric | kind | labels | meaning |
|---|---|---|---|
`)
	for _, m := range table {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, kindText(m.Kind), strings.Join(m.Labels, ", "), m.Help)
	}
	b.WriteString(`
## Bounds

Whatever a peer or an outage could make a node hold or do without end has a limit, and that is a setting. Each is told as
` + "`quorate_bound`, with how often it was reached as `quorate_bound_reached_total`" + `. [bounds.md](bounds.md) has the few
that are constants, and why.

| setting | meaning |
|---|---|
`)
	for _, k := range settings.Keys() {
		if k.Bound {
			fmt.Fprintf(&b, "| `%s` | %s |\n", k.Name, k.Doc)
		}
	}
	return b.String()
}

func kindText(k prometheus.ValueType) string {
	if k == prometheus.CounterValue {
		return "counter"
	}
	return "gauge"
}
