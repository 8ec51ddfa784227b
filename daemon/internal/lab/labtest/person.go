package labtest

import (
	"testing"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/browser"
)

// Browser starts a browser where an administrator's machine would be: on the
// lab's segment, with its DNS, trusting its authority. Web Admin of the members
// gets certificates of that authority first.
func Browser(t *testing.T, l *lab.Lab, kind browser.Kind, opts browser.Options) *browser.Browser {
	t.Helper()
	if err := l.WebCertificates(t.Context(), l.Members()...); err != nil {
		t.Fatal(err)
	}
	opts.NetNS, opts.CA = l.NetNS(), l.CA.PEM()
	b, err := browser.Start(t.Context(), kind, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// SignIn signs a person in to Web Admin of a node and returns the page with
// Status, where that leads.
func SignIn(t *testing.T, b *browser.Browser, n *lab.Node, user string) *browser.Page {
	t.Helper()
	p, err := b.Open()
	must(t, err)
	_, err = p.Goto(n.WebURL() + "/")
	must(t, err)
	must(t, p.Fill("#f-user", user))
	must(t, p.Fill("#f-password", lab.Password))
	v, err := p.Follow("main button")
	must(t, err)
	if v.URL != n.WebURL()+"/status" {
		text, _ := p.Text("main") // for the message only
		t.Fatalf("signing in to %s leads %s to %s: %s", n.Name(), user, v.URL, text)
	}
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
