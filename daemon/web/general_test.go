package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"quorate.org/daemon/fault"
)

const general1 = "/configuration/general"

// does posts a form that succeeds and returns what the page says afterwards.
func (b *browser) does(path string, form url.Values) string {
	b.t.Helper()
	got := b.post(path, form)
	if got.code != http.StatusSeeOther || got.header.Get("Location") != path {
		b.t.Fatalf("%v: %d\n%s", form, got.code, got.body)
	}
	return b.get(path).body
}

// says checks that a page says each of the words.
func says(t *testing.T, body string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(body, w) {
			t.Errorf("the page does not say %q\n%s", w, body)
		}
	}
}

// hides checks that a page says none of the words.
func hides(t *testing.T, body string, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(body, w) {
			t.Errorf("the page says %q\n%s", w, body)
		}
	}
}

func link(name, domain, server, secret, confirm string) url.Values {
	return url.Values{"action": {"save"}, "name": {name}, "domain": {domain}, "server": {server}, "trust": {"ca.cer"}, "secret": {secret}, "confirm": {confirm}}
}

func TestSaveTheCallBridge(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	says(t, b.get(general1).body, "none is stored", "there is no SRV record _xmpp-component._tcp.meet.example", "dns check meet.example")

	says(t, b.does(general1, link("cb1", "meet.example", "", "hunter2", "hunter2")), "saved", "one is stored", `value="cb1"`)
	if got := d.stored(); got != "hunter2" {
		t.Errorf("the secret stored is %q", got)
	}
	// An empty secret keeps the one stored.
	page := b.does(general1, link("cb1", "meet.example", "localhost:5223", "", ""))
	says(t, page, `value="localhost:5223"`, "one is stored")
	hides(t, page, "hunter2")
	if got := d.stored(); got != "hunter2" {
		t.Errorf("an empty field made the secret %q", got)
	}
	says(t, b.does(general1, link("cb1", "meet.example", "localhost:5223", "", "")), "nothing to change")
}

func TestACallBridgeThatIsRefused(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	for name, c := range map[string]struct {
		form  url.Values
		field string
		words string
	}{
		"a dot":             {link("cb1.meet.example", "meet.example", "", "", ""), "name", "has a dot; the domain is added by itself"},
		"no domain":         {link("cb1", "", "", "", ""), "domain", "needs the domain"},
		"a bad domain":      {link("cb1", "meet example", "", "", ""), "domain", ""},
		"a bad port":        {link("cb1", "meet.example", "cb1:99999", "", ""), "server", "1 to 65535"},
		"two secrets":       {link("cb1", "meet.example", "", "hunter2", "hunter3"), "confirm", "the two secrets differ"},
		"a secret once":     {link("cb1", "meet.example", "", "hunter2", ""), "confirm", "the two secrets differ"},
		"too long a secret": {link("cb1", "meet.example", "", strings.Repeat("hunter2", 99), strings.Repeat("hunter2", 99)), "secret", "longer"},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.post(general1, c.form)
			if got.code != http.StatusUnprocessableEntity {
				t.Errorf("status %d", got.code)
			}
			says(t, got.body, `role="alert"`, `id="w-`+c.field+`"`, `href="#f-`+c.field+`"`, c.words)
			for _, kept := range []string{"name", "domain", "server"} {
				says(t, got.body, `name="`+kept+`"`)
				if v := c.form.Get(kept); v != "" {
					says(t, got.body, `value="`+v+`"`)
				}
			}
			hides(t, got.body, "hunter")
		})
	}
	if d.setting("callbridge.name") != `""` || d.stored() != "" {
		t.Error("a refused form was stored")
	}
}

func TestTheClusterSecretIsCopied(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	page := b.get(general1).body
	says(t, page, "It knows cb1, cb2, cb3")
	hides(t, page, clusterSecret)

	form := link("CB1", "meet.example", "", "", "")
	form.Set("action", "save-cluster-secret")
	page = b.does(general1, form)
	says(t, page, "saved with the secret of the cluster&#39;s entry cb1")
	hides(t, page, clusterSecret)
	if got := d.stored(); got != clusterSecret {
		t.Errorf("the secret stored is %q", got)
	}

	form.Set("name", "cb9")
	want(t, b.post(general1, form), http.StatusUnprocessableEntity, "has no call bridge", "cb1, cb2, cb3")
	form.Set("name", "cb1")
	form.Set("domain", "other.example")
	want(t, b.post(general1, form), http.StatusUnprocessableEntity, "this cluster serves meet.example, not other.example")
	if strings.Contains(d.log.String(), clusterSecret) {
		t.Error("the journal has the secret")
	}
}

func TestReconnect(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	says(t, b.does(general1, url.Values{"action": {"reconnect"}}), "looks for its server anew")
	if got := d.notes.take(); !slices.Equal(got, []string{"Reconnect"}) {
		t.Errorf("asked for %q", got)
	}
	d.notes.refuseWith("Reconnect", fault.Mend(fault.WrongState, "the Call Bridge has no name", "give it one"))
	want(t, b.post(general1, url.Values{"action": {"reconnect"}}), http.StatusUnprocessableEntity, "has no name", "Remedy:</strong> give it one")
}

// An operator is shown what is configured, and no form and no secret.
func TestOperatorsLookOnly(t *testing.T) {
	d := newDesk(t)
	if _, err := d.config.Set(t.Context(), map[string]any{"callbridge.name": "cb1", "callbridge.secret": "hunter2"}); err != nil {
		t.Fatal(err)
	}
	b := d.signedIn("operator")
	for _, path := range []string{"/status", general1, "/configuration/cluster", "/configuration/cluster?ask=reset", "/configuration/xmpp",
		"/configuration/xmpp?show=secrets&check=bridges", "/certificates", "/certificates?file=xmpp.cer", "/certificates?ask=remove&file=xmpp.cer", "/backups", "/backups?ask=delete&file=a"} {
		got := b.get(path)
		if got.code != http.StatusOK {
			t.Errorf("%s: %d", path, got.code)
		}
		hides(t, got.body, clusterSecret, "hunter2", `name="action"`, "ask=", "Show the secrets")
		if n := strings.Count(got.body, `method="post"`); n != 1 { // to sign out
			t.Errorf("%s has %d forms", path, n)
		}
	}
	says(t, b.get(general1).body, "by DNS SRV", "stored")
	for _, path := range []string{general1, "/configuration/cluster", "/configuration/xmpp", "/certificates", "/backups"} {
		want(t, b.post(path, url.Values{"action": {"save"}}), http.StatusForbidden)
	}
	if got := d.notes.take(); got != nil {
		t.Errorf("an operator made the calls %q", got)
	}
}

// No page offers a button that nothing stands behind.
func TestAButtonNobodyKnows(t *testing.T) {
	b := newDesk(t).signedIn("admin")
	for _, path := range []string{general1, "/configuration/cluster", "/configuration/xmpp", "/certificates", "/backups"} {
		want(t, b.post(path, url.Values{"action": {"explode"}}), http.StatusUnprocessableEntity, "this page does not do")
		want(t, b.post(path, url.Values{}), http.StatusUnprocessableEntity)
	}
}
