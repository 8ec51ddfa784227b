package bus

import "context"

// FirewallServer is what the firewall service implements. Methods run concurrently.
type FirewallServer interface {
	Ports(ctx context.Context) ([]OpenPort, error)
}

// FirewallObject is the exported org.quorate.Firewall1.
type FirewallObject struct{ *object }

// ServeFirewall exports impl as org.quorate.Firewall1 with its first properties
// and takes the name. audit may be nil.
func (c *Conn) ServeFirewall(impl FirewallServer, first FirewallProperties, audit func(Change)) (*FirewallObject, error) {
	o, err := c.serve(wallService, map[string]handler{
		"Ports": func(c *incoming) ([]any, error) { return answerList(impl.Ports(c.ctx)) },
	}, first, audit)
	if err != nil {
		return nil, err
	}
	return &FirewallObject{o}, nil
}

// Publish replaces the properties; those that differ are signalled.
func (o *FirewallObject) Publish(p FirewallProperties) error { return o.publish(p) }
