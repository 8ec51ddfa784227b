package web

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/settings"
)

// xmppPage is Configuration > XMPP: the service of this node, and the call
// bridges and accounts of the cluster.
func xmppPage() page {
	return page{path: "/configuration/xmpp", title: "XMPP", menu: "Configuration", view: viewXmpp, act: deeds{
		"enable":            enableXmpp,
		"disable":           disableXmpp,
		"domain":            setDomain,
		"domain-add":        addDomain,
		"domain-delete":     meant(deleteDomain),
		"listen":            setListen,
		"certificates":      setXmppCertificates,
		"trust":             setClusterTrust,
		"bridge-add":        addBridge,
		"bridge-add-secret": addBridgeSecret,
		"bridge-delete":     meant(deleteBridge),
		"user-add":          addUser,
		"user-password":     setUserPassword,
		"user-delete":       meant(deleteUser),
	}.act}
}

// xmppQuestions come before what can not be undone.
var xmppQuestions = map[string]question{
	"bridge-delete": {Text: "The call bridge is removed from every node of the cluster and its link ends. Its secret can not be brought back.",
		Button: "Delete the call bridge", Field: "bridge"},
	"domain-delete": {Text: "The domain is served no longer on any node of the cluster, and its streams end. It must have no accounts.",
		Button: "Remove the domain", Field: "further"},
	"user-delete": {Text: "The account is removed from every node of the cluster and its sessions end. Its contacts and waiting messages go with it.",
		Button: "Delete the account", Field: "account"},
}

// xmpp is what Configuration > XMPP shows.
type xmpp struct {
	Status    answer[bus.XmppStatus]
	Preflight answer[[]bus.Step]
	Values    answer[settings.Values]
	Files     answer[[]bus.Certificate]
	Bridges   answer[[]bus.CallBridge] // with secrets only when Shown
	Users     answer[[]bus.User]
	Domains   answer[[]bus.Domain]
	Shown     bool                         // an administrator asked for the secrets
	Check     *answer[[]bus.CheckedBridge] // nil unless asked for
	Ask       *question
}

// Keys are the files that can be the key.
func (x *xmpp) Keys() []string { return filesOf(x.Files.Value, "key") }

// Certificates are the files that can be the certificate, the bundle or the trust.
func (x *xmpp) Certificates() []string { return certificateFiles(x.Files.Value) }

// Listen is the setting as it is typed.
func (x *xmpp) Listen() string { return strings.Join(x.Values.Value.XMPP.Listen, " ") }

// Ready says whether every precondition is met.
func (x *xmpp) Ready() bool { return failing(x.Preflight.Value) == nil }

func viewXmpp(ctx context.Context, v *visit) (any, error) {
	x, conn, query := &xmpp{Ask: v.asked(xmppQuestions)}, v.session.bus, v.request.URL.Query()
	x.Shown = query.Get("show") == "secrets" && v.changes()
	var wg sync.WaitGroup
	ask(ctx, &wg, &x.Status, conn.Xmpp().Status)
	ask(ctx, &wg, &x.Preflight, conn.Xmpp().Preflight)
	ask(ctx, &wg, &x.Values, func(ctx context.Context) (settings.Values, error) { return inForce(ctx, conn) })
	ask(ctx, &wg, &x.Files, conn.Certificates().List)
	ask(ctx, &wg, &x.Users, conn.Xmpp().Users)
	ask(ctx, &wg, &x.Domains, conn.Xmpp().Domains)
	ask(ctx, &wg, &x.Bridges, v.bridges(x.Shown))
	wg.Wait()
	if query.Get("check") == "bridges" {
		x.Check = compared(ctx, conn)
	}
	return x, nil
}

// compared asks every member, which takes as long as the slowest: it has the
// time of a command, not that of a page.
func compared(ctx context.Context, conn *bus.Conn) *answer[[]bus.CheckedBridge] {
	list, err := conn.Xmpp().CallBridgeCheck(ctx)
	if err != nil {
		return &answer[[]bus.CheckedBridge]{Fault: asFault(err)}
	}
	return &answer[[]bus.CheckedBridge]{Value: list}
}

// bridges lists the call bridges. Only a person who asks to be shown the
// secrets asks for them by their own name, which is journaled; for every other
// look Web Admin asks by its own, which is shown none.
func (v *visit) bridges(shown bool) func(context.Context) ([]bus.CallBridge, error) {
	if shown {
		return v.session.bus.Xmpp().CallBridges
	}
	return func(ctx context.Context) ([]bus.CallBridge, error) {
		list, err := v.own.Xmpp().CallBridges(ctx)
		for i := range list {
			list[i].Secret = settings.Mask
		}
		return list, err
	}
}

// enableXmpp opens the ports when every precondition is met.
func enableXmpp(ctx context.Context, v *visit) (string, error) {
	steps, err := v.session.bus.Xmpp().Preflight(ctx)
	if err != nil {
		return "", err
	}
	if bad := failing(steps); bad != nil {
		return "", fault.Mend(fault.WrongState, "the XMPP service was not enabled: "+bad.Message, bad.Remedy)
	}
	return v.set(ctx, map[string]any{"xmpp.enabled": true}, "XMPP service enabled")
}

func disableXmpp(ctx context.Context, v *visit) (string, error) {
	return v.set(ctx, map[string]any{"xmpp.enabled": false}, "XMPP service disabled: the client and component ports are closed")
}

func setDomain(ctx context.Context, v *visit) (string, error) {
	domain := strings.ToLower(v.text("domain"))
	if domain == "" {
		v.blame("domain", "give the XMPP domain, as in meet.example")
		return "", v.refusal()
	}
	if err := v.session.bus.Xmpp().SetDomain(ctx, domain); err != nil {
		return "", v.about("domain", err)
	}
	return "XMPP domain set to " + domain, nil
}

// listenKeys are the settings behind the form of interfaces and ports.
var listenKeys = map[string]string{
	"listen":         "xmpp.listen",
	"client-port":    "xmpp.client_port",
	"component-port": "xmpp.component_port",
	"cluster-port":   "cluster.port",
	"gossip-port":    "gossip.port",
}

func setListen(ctx context.Context, v *visit) (string, error) {
	wanted := v.parse(listenKeys)
	v.noTwice("client-port", "component-port", "cluster-port", "gossip-port")
	if err := v.refusal(); err != nil {
		return "", err
	}
	return v.set(ctx, wanted, "interfaces and ports set")
}

// noTwice blames a port that another field has already.
func (v *visit) noTwice(names ...string) {
	seen := map[string]bool{}
	for _, name := range names {
		port := v.text(name)
		if seen[port] {
			v.blame(name, "port "+port+" is given twice")
		}
		seen[port] = true
	}
}

// required blames a field that is empty.
func (v *visit) required(name, reason string) string {
	value := v.text(name)
	if value == "" {
		v.blame(name, reason)
	}
	return value
}

func addBridge(ctx context.Context, v *visit) (string, error) {
	name := v.required("bridge", "give the name of the call bridge, as in cb1")
	if err := v.refusal(); err != nil {
		return "", err
	}
	secret, err := v.session.bus.Xmpp().CallBridgeAdd(ctx, name)
	if err != nil {
		return "", v.about("bridge", err)
	}
	return fmt.Sprintf("call bridge %s added. Its secret is %s", name, secret), nil
}

func addBridgeSecret(ctx context.Context, v *visit) (string, error) {
	name := v.required("known-bridge", "give the name of the call bridge, as in cb1")
	secret := v.form.Get("bridge-secret")
	if secret == "" {
		v.blame("bridge-secret", "give the secret that the other node made")
	}
	if err := v.refusal(); err != nil {
		return "", err
	}
	if err := v.session.bus.Xmpp().CallBridgeAddSecret(ctx, name, secret); err != nil {
		return "", v.about("bridge-secret", err)
	}
	return "call bridge " + name + " added with the secret given", nil
}

func deleteBridge(ctx context.Context, v *visit) (string, error) {
	name := v.text("bridge")
	if err := v.session.bus.Xmpp().CallBridgeDel(ctx, name); err != nil {
		return "", err
	}
	return "call bridge " + name + " removed", nil
}

func addUser(ctx context.Context, v *visit) (string, error) {
	name := v.required("user", "give the name of the account")
	password := v.newSecret("password", "confirm-password")
	if err := v.refusal(); err != nil {
		return "", err
	}
	if err := v.session.bus.Xmpp().UserAdd(ctx, name, password); err != nil {
		return "", v.about("user", err)
	}
	return "account " + name + " added", nil
}

func setUserPassword(ctx context.Context, v *visit) (string, error) {
	name := v.required("account", "choose an account")
	password := v.newSecret("new-password", "confirm-new-password")
	if err := v.refusal(); err != nil {
		return "", err
	}
	if err := v.session.bus.Xmpp().UserPasswd(ctx, name, password); err != nil {
		return "", v.about("new-password", err)
	}
	return "password of " + name + " set", nil
}

func deleteUser(ctx context.Context, v *visit) (string, error) {
	name := v.text("account")
	if err := v.session.bus.Xmpp().UserDel(ctx, name); err != nil {
		return "", err
	}
	return "account " + name + " removed", nil
}

// newSecret reads what is typed twice, blind.
func (v *visit) newSecret(name, again string) string {
	secret := v.form.Get(name)
	switch {
	case secret == "":
		v.blame(name, "it may not be empty")
	case secret != v.form.Get(again):
		v.blame(again, "the two differ; type the same twice")
	}
	return secret
}
