package web

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/settings"
)

// generalPage is Configuration > General: the Call Bridge of this node and its
// link, as an administrator of CMS knows the form.
func generalPage() page {
	return page{path: "/configuration/general", title: "General", menu: "Configuration", view: viewGeneral, act: deeds{
		"save":                saveLink,
		"save-cluster-secret": saveLinkWithClusterSecret,
		"reconnect":           reconnect,
	}.act}
}

// general is what Configuration > General shows.
type general struct {
	Values    answer[settings.Values]
	SecretSet answer[bool]
	Link      answer[bus.CallBridgeStatus]
	Files     answer[[]bus.Certificate]
	Bridges   answer[[]bus.CallBridge] // of the cluster, without their secrets
}

// Trust are the files that can be the trust.
func (g *general) Trust() []string { return certificateFiles(g.Files.Value) }

// Known are the names of the call bridges of the cluster.
func (g *general) Known() []string { return bridgeNames(g.Bridges.Value) }

// linkKeys are the settings behind the fields of the form.
var linkKeys = map[string]string{
	"name":   "callbridge.name",
	"domain": "callbridge.domain",
	"server": "callbridge.server",
	"trust":  "callbridge.trust",
}

const linkSecret = "callbridge.secret"

func viewGeneral(ctx context.Context, v *visit) (any, error) {
	g, conn := &general{}, v.session.bus
	var wg sync.WaitGroup
	ask(ctx, &wg, &g.Values, func(ctx context.Context) (settings.Values, error) { return inForce(ctx, conn) })
	ask(ctx, &wg, &g.SecretSet, func(ctx context.Context) (bool, error) { return secretIsSet(ctx, conn) })
	ask(ctx, &wg, &g.Link, conn.Bridge().Status)
	ask(ctx, &wg, &g.Files, conn.Certificates().List)
	ask(ctx, &wg, &g.Bridges, v.own.Xmpp().CallBridges)
	wg.Wait()
	return g, nil
}

// secretIsSet is told by the masked setting; nobody is shown the secret for it.
func secretIsSet(ctx context.Context, conn *bus.Conn) (bool, error) {
	list, err := conn.Config().Settings(ctx)
	for _, s := range list {
		if s.Key == linkSecret {
			return s.Value != `""` && s.Value != "", nil
		}
	}
	return false, err
}

func saveLink(ctx context.Context, v *visit) (string, error) {
	wanted, secret := v.wantedLink(), v.form.Get("secret")
	if secret != v.form.Get("confirm") {
		v.blame("confirm", "the two secrets differ; type the shared secret twice, or leave both empty to keep the one stored")
	}
	if _, problem := settings.Parse(linkSecret, secret); problem != nil {
		v.blame("secret", problem.Reason)
	}
	if err := v.refusal(); err != nil {
		return "", err
	}
	if secret != "" {
		wanted[linkSecret] = secret
	}
	return v.saveLink(ctx, wanted, "saved")
}

// saveLinkWithClusterSecret saves nobody the form but the typing of the secret:
// it goes from the cluster's entry to the setting without being shown.
func saveLinkWithClusterSecret(ctx context.Context, v *visit) (string, error) {
	wanted := v.wantedLink()
	if err := v.refusal(); err != nil {
		return "", err
	}
	entry, err := v.registered(ctx, v.text("name"))
	if err != nil {
		return "", v.about("name", err)
	}
	if domain := v.text("domain"); !strings.EqualFold(domain, entry.Domain) {
		v.blame("domain", fmt.Sprintf("this cluster serves %s, not %s", entry.Domain, domain))
		return "", v.refusal()
	}
	wanted[linkSecret] = entry.Secret
	return v.saveLink(ctx, wanted, "saved with the secret of the cluster's entry "+entry.Name)
}

// wantedLink reads the form but for the secret.
func (v *visit) wantedLink() map[string]any {
	wanted := v.parse(linkKeys)
	if v.text("name") != "" && v.text("domain") == "" {
		v.blame("domain", "the Call Bridge needs the domain of its servers, as in meet.example")
	}
	return wanted
}

// registered returns the cluster's entry of a call bridge, with its secret.
func (v *visit) registered(ctx context.Context, name string) (bus.CallBridge, error) {
	list, err := v.session.bus.Xmpp().CallBridges(ctx)
	if err != nil {
		return bus.CallBridge{}, err
	}
	for _, b := range list {
		if strings.EqualFold(b.Name, name) && b.Secret != settings.Mask {
			return b, nil
		}
	}
	return bus.CallBridge{}, fault.Mend(fault.NotFound, fmt.Sprintf("this cluster has no call bridge %q", name),
		"add it under Configuration > XMPP, or use one of: "+strings.Join(bridgeNames(list), ", "))
}

func bridgeNames(list []bus.CallBridge) []string {
	var names []string
	for _, b := range list {
		names = append(names, b.Name)
	}
	return names
}

func (v *visit) saveLink(ctx context.Context, wanted map[string]any, done string) (string, error) {
	began := time.Now()
	changed, err := v.store(ctx, wanted)
	switch {
	case err != nil:
		return "", err
	case !changed:
		return "nothing to change: this is what is stored already", nil
	}
	v.settle(ctx, began)
	return done + "; the Call Bridge connects anew", nil
}

func reconnect(ctx context.Context, v *visit) (string, error) {
	began := time.Now()
	if err := v.session.bus.Bridge().Reconnect(ctx); err != nil {
		return "", err
	}
	v.settle(ctx, began)
	return "the Call Bridge looks for its server anew", nil
}
