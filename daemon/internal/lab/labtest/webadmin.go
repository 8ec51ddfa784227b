package labtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/browser"
)

// Limits are how long the Call Bridges may take. A virtual machine is slower
// than a process.
type Limits struct {
	Connect  time.Duration // from the saved form to the link
	FailOver time.Duration // from the power cut to the link to another node
	Return   time.Duration // from a node's start to its own link
}

// general is the page an administrator of CMS looks for first.
const general = "/configuration/general"

// ConfigureBridges fills in Configuration > General on each member, as the last
// of the nine steps asks, and returns a page with Status, which follows the
// node, of each.
func ConfigureBridges(t *testing.T, l *lab.Lab, b *browser.Browser, limits Limits) map[*lab.Node]*browser.Page {
	t.Helper()
	secrets, err := l.Members()[0].Secrets(t.Context())
	must(t, err)
	pages := map[*lab.Node]*browser.Page{}
	for i, n := range l.Members() {
		p := SignIn(t, b, n, "admin")
		if i == 0 {
			refuseDot(t, p, n, secrets[n.Name()])
		}
		secret := secrets[n.Name()]
		if i == len(l.Members())-1 {
			secret = "" // taken by the button
		}
		configureBridge(t, p, n, secret)
		_, err := p.Goto(n.WebURL() + "/status")
		must(t, err)
		awaitLink(t, p, limits.Connect, l.Members()...)
		pages[n] = p
	}
	return pages
}

// refuseDot sends the form with an address for a name: the page says why not and
// keeps what was typed, the secret excepted.
func refuseDot(t *testing.T, p *browser.Page, n *lab.Node, secret string) {
	t.Helper()
	name := n.Name() + "." + lab.Domain
	_, err := p.Goto(n.WebURL() + general)
	must(t, err)
	fillLink(t, p, name, secret)
	v, err := p.Follow("button[value=save]")
	must(t, err)
	if v.Status != 422 {
		t.Errorf("a refused form is answered with %d", v.Status)
	}
	says(t, p, "#w-name", "dot")
	says(t, p, "[role=alert]", "Failure")
	keeps(t, p, "#f-name", name)
	keeps(t, p, "#f-domain", lab.Domain)
	keeps(t, p, "#f-secret", "")
	keeps(t, p, "#f-confirm", "")
}

// configureBridge saves the form with the secret typed twice or, without one,
// with the cluster's.
func configureBridge(t *testing.T, p *browser.Page, n *lab.Node, secret string) {
	t.Helper()
	button := "button[value=save]"
	if secret == "" {
		button = "button[value=save-cluster-secret]"
	}
	_, err := p.Goto(n.WebURL() + general)
	must(t, err)
	fillLink(t, p, n.Name(), secret)
	_, err = p.Follow(button)
	must(t, err)
	says(t, p, "[role=status]", "saved")
	keeps(t, p, "#f-name", n.Name())
	keeps(t, p, "#f-secret", "")
}

func fillLink(t *testing.T, p *browser.Page, name, secret string) {
	t.Helper()
	for selector, text := range map[string]string{
		"#f-name": name, "#f-domain": lab.Domain, "#f-server": "", "#f-secret": secret, "#f-confirm": secret,
	} {
		must(t, p.Fill(selector, text))
	}
}

func says(t *testing.T, p *browser.Page, selector, want string) {
	t.Helper()
	text, err := p.Text(selector)
	if err != nil || !strings.Contains(text, want) {
		t.Errorf("%s says %q, want %q in it; %v", selector, text, want, err)
	}
}

func keeps(t *testing.T, p *browser.Page, selector, want string) {
	t.Helper()
	value, err := p.Value(selector)
	if err != nil || value != want {
		t.Errorf("%s holds %q, want %q; %v", selector, value, want, err)
	}
}

// shownLink is what an open Status page says of the link.
const shownLink = "section[aria-labelledby=bridge] .reading"

// shows returns nil when the page says that the Call Bridge is connected to one
// of the nodes.
func shows(p *browser.Page, nodes ...*lab.Node) error {
	text, err := p.Text(shownLink)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if strings.Contains(text, n.LinkText()) {
			return nil
		}
	}
	return fmt.Errorf("the page says %q", text)
}

// awaitLink waits for the page to say so, by itself.
func awaitLink(t *testing.T, p *browser.Page, limit time.Duration, nodes ...*lab.Node) {
	t.Helper()
	must(t, lab.Wait(t.Context(), limit, "the page to show the link", func() error { return shows(p, nodes...) }))
}
