package labtest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/internal/lab"
)

//go:embed slix.py
var slixmpp string

// Slixmpp lets Debian's slixmpp, a library that knows nothing of us, be a
// component through cb2 and a client through cb3 that write to each other.
func Slixmpp(t *testing.T, l *lab.Lab) {
	t.Helper()
	const count = 50
	secrets, err := l.Node("cb1").Secrets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	Account(t, l, "alice")
	in, err := json.Marshal(map[string]any{
		"domain": lab.Domain, "ca": filepath.Join(l.Dir(), "ca.cer"), "count": count,
		"component": "cb1." + lab.Domain, "secret": secrets["cb1"], "component_host": "cb2." + lab.Domain,
		"client": "alice@" + lab.Domain + "/slix", "client_user": "alice", "client_password": Password, "client_host": "cb3." + lab.Domain,
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := l.Run(t.Context(), in, "/usr/bin/python3", "-W", "ignore", "-c", slixmpp)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Component, Client, Failures []string
		Ping                        float64
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if len(got.Failures) > 0 || got.Ping <= 0 {
		t.Fatalf("slixmpp saw failures %q and a ping of %v s", got.Failures, got.Ping)
	}
	// One sender, one recipient: bare and full address are one order (RFC 6120 §10.1).
	toClient, toComponent := []string{}, []string{}
	for i := range count {
		toClient = append(toClient, fmt.Sprintf("full %d", i), fmt.Sprintf("bare %d", i))
		toComponent = append(toComponent, fmt.Sprintf("bare %d", i), fmt.Sprintf("full %d", i))
	}
	if diff := cmp.Diff(toClient, got.Client); diff != "" {
		t.Errorf("component to client (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(toComponent, got.Component); diff != "" {
		t.Errorf("client to component (-want +got):\n%s", diff)
	}
	t.Logf("M2.2 slixmpp: %d stanzas each way in order, full and bare, ping %.1f ms", 2*count, got.Ping*1000)
}
