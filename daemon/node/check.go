package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/cluster"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/replica"
)

// askWait is how long the other members may take to answer.
const askWait = 5 * time.Second

// CallBridgeCheck implements org.quorate.Xmpp1.
func (n *Node) CallBridgeCheck(ctx context.Context) ([]bus.CheckedBridge, error) {
	i, err := n.instance(ctx)
	if err != nil {
		return nil, err
	}
	if err := i.learned(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	return compare(i.cluster.Holdings(ctx)), nil
}

// The settings with secrets of call bridges.
const (
	seedSetting = "xmpp.callbridge"
	linkSetting = "callbridge.secret"
)

// entries are the call bridge secrets in this node's own settings: those that
// seed the store, and that of the Call Bridge this node runs. One of another
// domain is no business of this cluster.
func (n *Node) entries(domain string) []cluster.Entry {
	v := n.values.Load()
	var list []cluster.Entry
	for _, b := range v.XMPP.CallBridges {
		list = append(list, cluster.Entry{CallBridge: replica.CallBridge(b), Setting: seedSetting})
	}
	link := v.CallBridge
	if link.Name != "" && link.Secret != "" && (link.Domain == "" || strings.EqualFold(link.Domain, domain)) {
		list = append(list, cluster.Entry{CallBridge: replica.CallBridge{Name: link.Name, Secret: link.Secret}, Setting: linkSetting})
	}
	return list
}

// compare judges what every member holds by the leader, or without its answer by
// this node: a line per member and call bridge, and one for each setting that
// disagrees.
func compare(all []cluster.Holding) []bus.CheckedBridge {
	ref := reference(all)
	var list []bus.CheckedBridge
	for _, h := range all {
		if h.Err != nil {
			list = append(list, silent(h))
			continue
		}
		list = append(list, ref.entries(h)...)
	}
	return list
}

// truth is what the others are judged by.
type truth struct {
	cluster.Holding
	digest map[string]string // by replica.Key of the name
}

func reference(all []cluster.Holding) truth {
	ref := truth{Holding: all[0]} // this node
	for _, h := range all {
		if h.Leader && h.Err == nil {
			ref.Holding = h
		}
	}
	ref.digest = stored(ref.Holding)
	return ref
}

// stored is what of a holding stands in the replicated store.
func stored(h cluster.Holding) map[string]string {
	m := make(map[string]string)
	for _, e := range h.Held {
		if e.Setting == "" {
			m[replica.Key(e.Name)] = e.Digest
		}
	}
	return m
}

func silent(h cluster.Holding) bus.CheckedBridge {
	f := faultOf(h.Err)
	return bus.CheckedBridge{Node: h.Node, Text: "does not answer: " + f.Text, Remedy: cmp.Or(f.Remedy, "xmpp cluster status tells how the node is")}
}

// entries are the lines of one member: what the reference has, then what only
// this member has, then its settings.
func (t truth) entries(h cluster.Holding) []bus.CheckedBridge {
	have := stored(h)
	var list []bus.CheckedBridge
	for _, e := range t.Held {
		if e.Setting != "" {
			continue
		}
		c := bus.CheckedBridge{Node: h.Node, Bridge: e.Name, Digest: have[replica.Key(e.Name)]}
		switch c.Digest {
		case e.Digest:
			c.OK = true
		case "":
			c = t.astray(c, h, "missing here")
		default:
			c = t.astray(c, h, "another secret than on "+t.Node)
		}
		list = append(list, c)
	}
	for _, e := range h.Held {
		if e.Setting != "" {
			list = append(list, t.drift(h, e)...)
		} else if _, known := t.digest[replica.Key(e.Name)]; !known {
			c := bus.CheckedBridge{Node: h.Node, Bridge: e.Name, Digest: e.Digest}
			list = append(list, t.astray(c, h, "on this node only, "+t.Node+" does not have it"))
		}
	}
	return list
}

// astray says what is wrong with an entry, and tells a member that lags from one
// whose store says otherwise.
func (t truth) astray(c bus.CheckedBridge, h cluster.Holding, text string) bus.CheckedBridge {
	c.Text, c.Remedy = text, fmt.Sprintf("on %s: xmpp cluster remove, then join again", h.Node)
	if h.Version < t.Version {
		c.Text += fmt.Sprintf("; the node lags: it has the changes up to log entry %d, %s those up to %d", h.Version, t.Node, t.Version)
		c.Remedy = "see xmpp cluster status; the node catches up by itself once it follows the leader"
	}
	return c
}

// mending is how a setting is brought to the cluster's secret.
var mending = map[string]string{
	seedSetting: "correct or remove the entry in the configuration files",
	linkSetting: "callbridge secret",
}

// drift is the line of a setting that disagrees with the cluster; none when it
// agrees.
func (t truth) drift(h cluster.Holding, e cluster.Held) []bus.CheckedBridge {
	want, known := t.digest[replica.Key(e.Name)]
	c := bus.CheckedBridge{Node: h.Node, Bridge: e.Name, Digest: e.Digest}
	switch {
	case !known:
		c.Text = fmt.Sprintf("%s of %s names a call bridge the cluster does not have", e.Setting, h.Node)
		c.Remedy = "add it to the cluster: xmpp callbridge add-secret " + e.Name + ", or correct the setting"
	case want != e.Digest:
		c.Text = fmt.Sprintf("%s of %s is not the cluster's secret", e.Setting, h.Node)
		c.Remedy = fmt.Sprintf("on %s: %s; xmpp callbridge list shows the secret", h.Node, mending[e.Setting])
	default:
		return nil
	}
	return []bus.CheckedBridge{c}
}

// WouldAccept implements org.quorate.Xmpp1.
func (n *Node) WouldAccept(ctx context.Context, pem []byte) ([]bus.Step, error) {
	chain, err := pki.ParseCertificates(pem)
	if err != nil {
		return nil, err
	}
	i, err := n.instance(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	var steps []bus.Step
	for _, v := range i.cluster.WouldAccept(ctx, chain) {
		steps = append(steps, verdict(v))
	}
	return steps, nil
}

// verdict is one member's word. One that can not be asked does not hold a
// renewal up: it may be down for good.
func verdict(v cluster.Verdict) bus.Step {
	switch {
	case v.Err != nil && unreachable(v.Err):
		return bus.Step{Name: v.Node, OK: true, Code: faultOf(v.Err).Code, Text: "does not answer; not asked"}
	case v.Err != nil:
		return bus.Step{Name: v.Node, OK: true, Code: faultOf(v.Err).Code, Text: "not asked: " + faultOf(v.Err).Text}
	case v.Refused != nil:
		return bus.Step{Name: v.Node, Code: string(v.Refused.Code), Text: "would refuse it: " + v.Refused.Message,
			Remedy: cmp.Or(onNode(v.Node, v.Refused.Remedy), "add the new certificate to the cluster trust of "+v.Node)}
	}
	return bus.Step{Name: v.Node, OK: true, Text: "accepts it"}
}

func onNode(node, remedy string) string {
	if remedy == "" {
		return ""
	}
	return "on " + node + ": " + remedy
}

func unreachable(err error) bool {
	switch fault.CodeOf(err) {
	case fault.TCP, fault.TLS, fault.Timeout:
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// RotateGossipKey implements org.quorate.Xmpp1.
func (n *Node) RotateGossipKey(ctx context.Context, _ bus.Caller) error {
	i, err := n.instance(ctx)
	if err != nil {
		return err
	}
	if err := i.cluster.RotateGossipKey(ctx); err != nil {
		return err
	}
	n.log.Info("the cluster has a new gossip key")
	return nil
}
