package replica

// Bytes is about how much a command takes in the log: what a client makes large.
func (c Command) Bytes() (n int) {
	const rest = 512 // names, addresses, times
	n = rest + len(c.Raw) + sum(c.Groups) + sum(c.Addresses) + sum(c.Wants)
	for name, element := range c.Private {
		n += len(name) + len(element)
	}
	if c.Filing != nil {
		n += len(c.Filing.Raw)
	}
	if p := c.Pep; p != nil {
		n += len(p.Item.Raw) + sum(p.Items)
		for _, f := range p.Options {
			n += sum(f.Values)
		}
		for addr := range p.Peers {
			n += len(addr)
		}
	}
	if c.Prefs != nil {
		n += sum(c.Prefs.Always) + sum(c.Prefs.Never)
	}
	return n + n/3 // in base64
}

func sum(list []string) (n int) {
	for _, s := range list {
		n += len(s)
	}
	return n
}
