package bus

import "context"

// Firewall calls org.quorate.Firewall1. Every method's error is a *fault.Error
// or the end of the caller's context.
type Firewall struct{ client }

// Firewall returns the client of the firewall service; it makes no call.
func (c *Conn) Firewall() *Firewall { return &Firewall{client{c, wallService}} }

// FirewallProperties are the properties of org.quorate.Firewall1.
type FirewallProperties struct {
	State  string `json:"State"`
	Code   string `json:"Code"`
	Text   string `json:"Text"`
	Remedy string `json:"Remedy"`
}

// Ports lists the ports of the services as the rules in force have them.
func (f *Firewall) Ports(ctx context.Context) ([]OpenPort, error) {
	return getList[OpenPort](ctx, f.client, quick, "Ports")
}

// Properties reads the published properties.
func (f *Firewall) Properties(ctx context.Context) (FirewallProperties, error) {
	return properties[FirewallProperties](ctx, f.client)
}

// Watch ticks whenever a property changed or the service came or went.
func (f *Firewall) Watch(ctx context.Context) (<-chan struct{}, error) { return f.watch(ctx) }
