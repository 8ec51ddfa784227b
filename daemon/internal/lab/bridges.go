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

// Link returns what the node tells of its own Call Bridge's link.
func (n *Node) Link(ctx context.Context) (bus.CallBridgeStatus, error) {
	var s bus.CallBridgeStatus
	out, err := n.Exec(ctx, "callbridge status --json")
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return s, fmt.Errorf("reading the link of %s: %w in %q", n.name, err, out)
	}
	return s, nil
}

// Linked returns nil when the Call Bridge of the node is connected to one of
// the given nodes, to any when none is given.
func (n *Node) Linked(ctx context.Context, to ...*Node) error {
	s, err := n.Link(ctx)
	if err != nil {
		return err
	}
	if s.State != "connected" {
		return fmt.Errorf("%s: the Call Bridge is %s: %s", n.name, s.State, s.Text)
	}
	for _, other := range to {
		if s.Server == other.component() {
			return nil
		}
	}
	if len(to) > 0 {
		return fmt.Errorf("%s: the Call Bridge is %s", n.name, s.Text)
	}
	return nil
}

// component is the node's port for call bridges by its name in DNS.
func (n *Node) component() string { return n.name + "." + Domain + ":5223" }

// LinkText is how every face tells that a Call Bridge is connected to the node.
func (n *Node) LinkText() string { return "connected to " + n.component() + " (secure)" }
