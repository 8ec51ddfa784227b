package lab

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
)

// Metrics returns what a local node's XMPP service tells Prometheus on its socket:
// each number by its name with its labels, as the text has them.
func (n *Node) Metrics(ctx context.Context) (map[string]float64, error) {
	m, ok := n.machine.(*local)
	if !ok {
		return nil, fmt.Errorf("%s is no local node", n.name)
	}
	socket := filepath.Join(m.run, "xmppd", "metrics.sock")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.name+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking %s for its metrics: %w", n.name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking %s for its metrics: %s", n.name, resp.Status)
	}
	numbers := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, ok := cutLast(lines.Text())
		if f, err := strconv.ParseFloat(value, 64); ok && err == nil {
			numbers[name] = f
		}
	}
	return numbers, lines.Err()
}

// cutLast splits a line at its last blank; a comment has no number.
func cutLast(line string) (name, value string, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 || strings.HasPrefix(line, "#") {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}
