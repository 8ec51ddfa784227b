package bus

import "context"

// XmppServer is what the XMPP service implements. A returned *fault.Error
// reaches the caller whole. Methods run concurrently.
type XmppServer interface {
	Status(ctx context.Context) (XmppStatus, error)
	ClusterStatus(ctx context.Context) (ClusterStatus, error)
	Preflight(ctx context.Context) ([]Step, error)
	Applied(ctx context.Context, generation uint64) ([]Step, error)
	SetDomain(ctx context.Context, who Caller, domain string) error
	DomainAdd(ctx context.Context, who Caller, domain string) error
	DomainDel(ctx context.Context, who Caller, domain string) error
	Domains(ctx context.Context) ([]Domain, error)
	CallBridgeAdd(ctx context.Context, who Caller, name string) (secret string, err error)
	CallBridgeAddSecret(ctx context.Context, who Caller, name, secret string) error
	CallBridgeDel(ctx context.Context, who Caller, name string) error
	CallBridges(ctx context.Context, who Caller) ([]CallBridge, error) // masks secrets unless who.SeesSecrets()
	UserAdd(ctx context.Context, who Caller, name, password string) error
	UserDel(ctx context.Context, who Caller, name string) error
	UserPasswd(ctx context.Context, who Caller, name, password string) error
	Users(ctx context.Context) ([]User, error)
	ClusterEnable(ctx context.Context, who Caller) error
	ClusterDisable(ctx context.Context, who Caller) error
	ClusterInitialize(ctx context.Context, who Caller) error
	ClusterJoin(ctx context.Context, who Caller, host string) error
	ClusterRemove(ctx context.Context, who Caller, node string) error
	ClusterRecover(ctx context.Context, who Caller, force bool) (mayBeLost string, err error)
	Reset(ctx context.Context, who Caller, force bool) error
	CallBridgeCheck(ctx context.Context) ([]CheckedBridge, error)
	WouldAccept(ctx context.Context, pem []byte) ([]Step, error)
	RotateGossipKey(ctx context.Context, who Caller) error
	Save(ctx context.Context, who Caller) ([]byte, error)
	Restore(ctx context.Context, who Caller, data []byte, apply bool) ([]Step, error)
}

// XmppObject is the exported org.quorate.Xmpp1.
type XmppObject struct{ *object }

// ServeXmpp exports impl as org.quorate.Xmpp1 with its first properties and
// takes the name. audit may be nil.
func (c *Conn) ServeXmpp(impl XmppServer, first XmppProperties, audit func(Change)) (*XmppObject, error) {
	o, err := c.serve(xmppService, xmppHandlers(impl), first, audit)
	if err != nil {
		return nil, err
	}
	return &XmppObject{o}, nil
}

// Publish replaces the properties; those that differ are signalled.
func (o *XmppObject) Publish(p XmppProperties) error { return o.publish(p) }

func xmppHandlers(s XmppServer) map[string]handler {
	return map[string]handler{
		"Status":        func(c *incoming) ([]any, error) { return answerStruct(s.Status(c.ctx)) },
		"ClusterStatus": func(c *incoming) ([]any, error) { return answerStruct(s.ClusterStatus(c.ctx)) },
		"Preflight":     func(c *incoming) ([]any, error) { return answerList(s.Preflight(c.ctx)) },
		"Applied":       func(c *incoming) ([]any, error) { return answerList(s.Applied(c.ctx, c.number(0))) },
		"SetDomain":     func(c *incoming) ([]any, error) { return done(s.SetDomain(c.ctx, c.caller, c.str(0))) },
		"DomainAdd":     func(c *incoming) ([]any, error) { return done(s.DomainAdd(c.ctx, c.caller, c.str(0))) },
		"DomainDel":     func(c *incoming) ([]any, error) { return done(s.DomainDel(c.ctx, c.caller, c.str(0))) },
		"Domains":       func(c *incoming) ([]any, error) { return answerList(s.Domains(c.ctx)) },
		"CallBridgeAdd": func(c *incoming) ([]any, error) { return answer(s.CallBridgeAdd(c.ctx, c.caller, c.str(0))) },
		"CallBridgeAddSecret": func(c *incoming) ([]any, error) {
			return done(s.CallBridgeAddSecret(c.ctx, c.caller, c.str(0), c.str(1)))
		},
		"CallBridgeDel":     func(c *incoming) ([]any, error) { return done(s.CallBridgeDel(c.ctx, c.caller, c.str(0))) },
		"CallBridges":       func(c *incoming) ([]any, error) { return answerList(s.CallBridges(c.ctx, c.caller)) },
		"UserAdd":           func(c *incoming) ([]any, error) { return done(s.UserAdd(c.ctx, c.caller, c.str(0), c.str(1))) },
		"UserDel":           func(c *incoming) ([]any, error) { return done(s.UserDel(c.ctx, c.caller, c.str(0))) },
		"UserPasswd":        func(c *incoming) ([]any, error) { return done(s.UserPasswd(c.ctx, c.caller, c.str(0), c.str(1))) },
		"Users":             func(c *incoming) ([]any, error) { return answerList(s.Users(c.ctx)) },
		"ClusterEnable":     func(c *incoming) ([]any, error) { return done(s.ClusterEnable(c.ctx, c.caller)) },
		"ClusterDisable":    func(c *incoming) ([]any, error) { return done(s.ClusterDisable(c.ctx, c.caller)) },
		"ClusterInitialize": func(c *incoming) ([]any, error) { return done(s.ClusterInitialize(c.ctx, c.caller)) },
		"ClusterJoin":       func(c *incoming) ([]any, error) { return done(s.ClusterJoin(c.ctx, c.caller, c.str(0))) },
		"ClusterRemove":     func(c *incoming) ([]any, error) { return done(s.ClusterRemove(c.ctx, c.caller, c.str(0))) },
		"ClusterRecover": func(c *incoming) ([]any, error) {
			return answer(s.ClusterRecover(c.ctx, c.caller, c.boolean(0)))
		},
		"CallBridgeCheck": func(c *incoming) ([]any, error) { return answerList(s.CallBridgeCheck(c.ctx)) },
		"WouldAccept":     func(c *incoming) ([]any, error) { return answerList(s.WouldAccept(c.ctx, c.bytes(0))) },
		"RotateGossipKey": func(c *incoming) ([]any, error) { return done(s.RotateGossipKey(c.ctx, c.caller)) },
		"Reset":           func(c *incoming) ([]any, error) { return done(s.Reset(c.ctx, c.caller, c.boolean(0))) },
		"Save":            func(c *incoming) ([]any, error) { return answerSealed(s.Save(c.ctx, c.caller)) },
		"Restore":         restoring(s.Restore),
	}
}
