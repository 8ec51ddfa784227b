package bus

import "context"

// Bridge calls org.quorate.CallBridge1. Every method's error is a *fault.Error
// or the end of the caller's context.
type Bridge struct{ client }

// Bridge returns the client of the Call Bridge service; it makes no call.
func (c *Conn) Bridge() *Bridge { return &Bridge{client{c, bridgeService}} }

// BridgeProperties are the properties of org.quorate.CallBridge1.
type BridgeProperties struct {
	State  string `json:"State"`
	Server string `json:"Server"`
	Code   string `json:"Code"`
	Text   string `json:"Text"`
}

// Status returns the configuration in force and the state of the link.
func (b *Bridge) Status(ctx context.Context) (CallBridgeStatus, error) {
	return getStruct[CallBridgeStatus](ctx, b.client, quick, "Status")
}

// Reconnect drops the link and looks for a server anew.
func (b *Bridge) Reconnect(ctx context.Context) error { return b.do(ctx, quick, "Reconnect") }

// Properties reads the published properties.
func (b *Bridge) Properties(ctx context.Context) (BridgeProperties, error) {
	return properties[BridgeProperties](ctx, b.client)
}

// Watch ticks whenever a property changed or the service came or went.
func (b *Bridge) Watch(ctx context.Context) (<-chan struct{}, error) { return b.watch(ctx) }
