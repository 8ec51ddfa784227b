package node

import (
	"context"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// CallBridgeCheck implements org.quorate.Xmpp1.
func (n *Node) CallBridgeCheck(ctx context.Context) ([]bus.CheckedBridge, error) {
	return nil, fault.New(fault.Unavailable, "not there yet")
}

// WouldAccept implements org.quorate.Xmpp1.
func (n *Node) WouldAccept(ctx context.Context, pem []byte) ([]bus.Step, error) { return nil, nil }

// RotateGossipKey implements org.quorate.Xmpp1.
func (n *Node) RotateGossipKey(ctx context.Context, _ bus.Caller) error {
	return fault.New(fault.Unavailable, "not there yet")
}
