package bus

import "context"

// Xmpp calls org.quorate.Xmpp1. Every method's error is a *fault.Error or the
// end of the caller's context.
type Xmpp struct{ keeper }

// Xmpp returns the client of the XMPP service; it makes no call.
func (c *Conn) Xmpp() *Xmpp { return &Xmpp{keeper{client{c, xmppService}}} }

// XmppProperties are the properties of org.quorate.Xmpp1.
type XmppProperties struct {
	State     string `json:"State"`
	Leader    string `json:"Leader"`
	Term      uint64 `json:"Term"`
	Enabled   bool   `json:"Enabled"`
	Clustered bool   `json:"Clustered"`
	Domain    string `json:"Domain"`
	// Linked are the host names of the members that this node has a link to.
	Linked []string `json:"Linked"`
}

// Status returns the status block of this node.
func (x *Xmpp) Status(ctx context.Context) (XmppStatus, error) {
	return getStruct[XmppStatus](ctx, x.client, quick, "Status")
}

// ClusterStatus returns the cluster as this node sees it.
func (x *Xmpp) ClusterStatus(ctx context.Context) (ClusterStatus, error) {
	return getStruct[ClusterStatus](ctx, x.client, quick, "ClusterStatus")
}

// Preflight checks each precondition of `xmpp enable`.
func (x *Xmpp) Preflight(ctx context.Context) ([]Step, error) {
	return getList[Step](ctx, x.client, work, "Preflight")
}

// Applied waits until the configuration generation is applied, at most 10 s,
// and tells how it went.
func (x *Xmpp) Applied(ctx context.Context, generation uint64) ([]Step, error) {
	return getList[Step](ctx, x.client, work, "Applied", generation)
}

// SetDomain sets the XMPP domain.
func (x *Xmpp) SetDomain(ctx context.Context, domain string) error {
	return x.do(ctx, work, "SetDomain", domain)
}

// DomainAdd serves a further domain.
func (x *Xmpp) DomainAdd(ctx context.Context, domain string) error {
	return x.do(ctx, work, "DomainAdd", domain)
}

// DomainDel serves a further domain no longer.
func (x *Xmpp) DomainDel(ctx context.Context, domain string) error {
	return x.do(ctx, work, "DomainDel", domain)
}

// Domains lists the further domains.
func (x *Xmpp) Domains(ctx context.Context) ([]Domain, error) {
	return getList[Domain](ctx, x.client, quick, "Domains")
}

// CallBridgeAdd registers a call bridge and returns its secret.
func (x *Xmpp) CallBridgeAdd(ctx context.Context, name string) (secret string, err error) {
	return get[string](ctx, x.client, work, "CallBridgeAdd", name)
}

// CallBridgeAddSecret registers a call bridge with a secret made elsewhere.
func (x *Xmpp) CallBridgeAddSecret(ctx context.Context, name, secret string) error {
	return x.do(ctx, work, "CallBridgeAddSecret", name, secret)
}

// CallBridgeDel removes a call bridge.
func (x *Xmpp) CallBridgeDel(ctx context.Context, name string) error {
	return x.do(ctx, work, "CallBridgeDel", name)
}

// CallBridges lists the call bridges; secrets are masked unless the caller is
// an administrator.
func (x *Xmpp) CallBridges(ctx context.Context) ([]CallBridge, error) {
	return getList[CallBridge](ctx, x.client, quick, "CallBridges")
}

// UserAdd creates a local account.
func (x *Xmpp) UserAdd(ctx context.Context, name, password string) error {
	return x.do(ctx, work, "UserAdd", name, password)
}

// UserDel removes a local account and ends its sessions.
func (x *Xmpp) UserDel(ctx context.Context, name string) error {
	return x.do(ctx, work, "UserDel", name)
}

// UserPasswd sets the password of a local account.
func (x *Xmpp) UserPasswd(ctx context.Context, name, password string) error {
	return x.do(ctx, work, "UserPasswd", name, password)
}

// Users lists the local accounts.
func (x *Xmpp) Users(ctx context.Context) ([]User, error) {
	return getList[User](ctx, x.client, quick, "Users")
}

// ClusterEnable makes a standalone node ready to initialize or join.
func (x *Xmpp) ClusterEnable(ctx context.Context) error { return x.do(ctx, long, "ClusterEnable") }

// ClusterDisable returns the node to standalone with a copy of the configuration.
func (x *Xmpp) ClusterDisable(ctx context.Context) error { return x.do(ctx, long, "ClusterDisable") }

// ClusterInitialize makes this node the first member of a new cluster.
func (x *Xmpp) ClusterInitialize(ctx context.Context) error {
	return x.do(ctx, long, "ClusterInitialize")
}

// ClusterJoin joins the cluster of which host is any member; it returns when
// this node is a voter or with the reason, within 30 s.
func (x *Xmpp) ClusterJoin(ctx context.Context, host string) error {
	return x.do(ctx, long, "ClusterJoin", host)
}

// ClusterRemove evicts a node (ID or name), or takes this one out when node is "".
func (x *Xmpp) ClusterRemove(ctx context.Context, node string) error {
	return x.do(ctx, long, "ClusterRemove", node)
}

// ClusterRecover makes a lone survivor a cluster of one; without force it only
// says what may be lost.
func (x *Xmpp) ClusterRecover(ctx context.Context, force bool) (mayBeLost string, err error) {
	return get[string](ctx, x.client, long, "ClusterRecover", force)
}

// Reset clears everything under xmpp on this node and gives it a new node ID.
func (x *Xmpp) Reset(ctx context.Context, force bool) error {
	return x.do(ctx, long, "Reset", force)
}

// CallBridgeCheck compares what every member holds of every call bridge.
func (x *Xmpp) CallBridgeCheck(ctx context.Context) ([]CheckedBridge, error) {
	return getList[CheckedBridge](ctx, x.client, work, "CallBridgeCheck")
}

// WouldAccept asks every reachable member whether it would accept the first
// certificate of pem from this node; services only.
func (x *Xmpp) WouldAccept(ctx context.Context, pem []byte) ([]Step, error) {
	return getList[Step](ctx, x.client, work, "WouldAccept", pem)
}

// RotateGossipKey gives the cluster a new gossip key.
func (x *Xmpp) RotateGossipKey(ctx context.Context) error { return x.do(ctx, work, "RotateGossipKey") }

// Properties reads the published properties.
func (x *Xmpp) Properties(ctx context.Context) (XmppProperties, error) {
	return properties[XmppProperties](ctx, x.client)
}

// Watch ticks whenever a property changed or the service came or went.
func (x *Xmpp) Watch(ctx context.Context) (<-chan struct{}, error) { return x.watch(ctx) }
