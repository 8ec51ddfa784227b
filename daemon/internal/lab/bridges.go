package lab

import (
	"context"
	"encoding/json"
	"fmt"

	"quorate.org/daemon/bus"
)

// Secrets returns the call bridges' secrets as the node lists them.
func (n *Node) Secrets(ctx context.Context) (map[string]string, error) {
	out, err := n.Exec(ctx, "xmpp callbridge list --json")
	if err != nil {
		return nil, err
	}
	var list []bus.CallBridge
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, fmt.Errorf("reading the call bridges of %s: %w in %q", n.name, err, out)
	}
	secrets := map[string]string{}
	for _, b := range list {
		secrets[b.Name] = b.Secret
	}
	return secrets, nil
}
