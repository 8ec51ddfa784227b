package lab

import (
	"context"
	"fmt"
)

// ResetLinks resets every TCP connection between two local nodes, both ends at
// once, as a firewall that lost its state would; they may connect again.
func (l *Lab) ResetLinks(ctx context.Context, a, b *Node) error {
	_, err := run(ctx, "ip", "netns", "exec", l.net.name+"-"+a.name, "ss", "-K", "-t", "state", "connected", "dst", b.addr)
	if err != nil {
		return fmt.Errorf("resetting the links of %s and %s: %w", a.name, b.name, err)
	}
	return nil
}

// Nft gives a local node's firewall commands of nft(8).
func (n *Node) Nft(ctx context.Context, commands string) error {
	_, err := run(ctx, "ip", "netns", "exec", n.lab.net.name+"-"+n.name, "nft", commands)
	return err
}
