package bus

import "context"

// BridgeServer is what the Call Bridge service implements. A returned
// *fault.Error reaches the caller whole. Methods run concurrently.
type BridgeServer interface {
	Status(ctx context.Context) (CallBridgeStatus, error)
	Reconnect(ctx context.Context, who Caller) error
}

// BridgeObject is the exported org.quorate.CallBridge1.
type BridgeObject struct{ *object }

// ServeBridge exports impl as org.quorate.CallBridge1 with its first properties
// and takes the name. audit may be nil.
func (c *Conn) ServeBridge(impl BridgeServer, first BridgeProperties, audit func(Change)) (*BridgeObject, error) {
	o, err := c.serve(bridgeService, map[string]handler{
		"Status":    func(c *incoming) ([]any, error) { return answerStruct(impl.Status(c.ctx)) },
		"Reconnect": func(c *incoming) ([]any, error) { return done(impl.Reconnect(c.ctx, c.caller)) },
	}, first, audit)
	if err != nil {
		return nil, err
	}
	return &BridgeObject{o}, nil
}

// Publish replaces the properties; those that differ are signalled.
func (o *BridgeObject) Publish(p BridgeProperties) error { return o.publish(p) }
