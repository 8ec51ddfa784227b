package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

const xmppPath = "/configuration/xmpp"

// values makes a form of names and values in turn.
func values(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

func TestXmppCalls(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	for _, c := range []struct {
		form  url.Values
		calls []string
		words string
	}{
		{values("action", "domain", "domain", "Meet.Example"), []string{"SetDomain meet.example"}, "XMPP domain set to meet.example"},
		{values("action", "domain-add", "further", "Third.example"), []string{"DomainAdd third.example"}, "domain third.example added"},
		{values("action", "domain-delete", "further", "second.example", "sure", "yes"), []string{"DomainDel second.example"}, "domain second.example removed"},
		{values("action", "trust", "trust", "ca.cer"), []string{"CheckTrust ca.cer"}, "cluster trust set to ca.cer"},
		{values("action", "bridge-add", "bridge", "cb4"), []string{"CallBridgeAdd cb4"}, "Its secret is n3wS3cr3tN3wS3cr3tN"},
		{values("action", "bridge-add-secret", "known-bridge", "cb5", "bridge-secret", "hunter2"), []string{"CallBridgeAddSecret cb5"}, "cb5 added"},
		{values("action", "bridge-delete", "bridge", "cb2", "sure", "yes"), []string{"CallBridgeDel cb2"}, "cb2 removed"},
		{values("action", "user-add", "user", "carol", "password", "hunter2", "confirm-password", "hunter2"), []string{"UserAdd carol"}, "account carol added"},
		{values("action", "user-password", "account", "bob", "new-password", "hunter2", "confirm-new-password", "hunter2"), []string{"UserPasswd bob"}, "password of bob set"},
		{values("action", "user-delete", "account", "bob", "sure", "yes"), []string{"UserDel bob"}, "account bob removed"},
	} {
		page := b.does(xmppPath, c.form)
		says(t, page, c.words)
		hides(t, page, "hunter2", clusterSecret)
		if got := d.notes.take(); !slices.Equal(got, c.calls) {
			t.Errorf("%s: asked for %q, want %q", c.form.Get("action"), got, c.calls)
		}
	}
	for _, method := range []string{"CallBridgeAddSecret", "UserAdd", "UserPasswd"} {
		if got := d.notes.given(method); got != "hunter2" {
			t.Errorf("%s was given %q", method, got)
		}
	}
	if strings.Contains(d.log.String(), "hunter2") {
		t.Error("the journal has what was typed blind")
	}
}

// A secret that was made is shown once.
func TestTheNewSecretIsShownOnce(t *testing.T) {
	b := newDesk(t).signedIn("admin")
	says(t, b.does(xmppPath, values("action", "bridge-add", "bridge", "cb4")), "n3wS3cr3tN3wS3cr3tN")
	hides(t, b.get(xmppPath).body, "n3wS3cr3tN3wS3cr3tN")
}

// Only a look at the secrets asks for them in the person's name: that is what
// is journaled.
func TestSecretsAreShownWhenAskedFor(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	d.notes.takeReaders()
	hides(t, b.get(xmppPath).body, clusterSecret)
	hides(t, b.get(general1).body, clusterSecret)
	own := d.notes.takeReaders()
	says(t, b.get(xmppPath+"?show=secrets").body, clusterSecret, "Hide the secrets")
	person := d.notes.takeReaders()
	if len(own) != 2 || len(person) != 1 || own[0] != own[1] || own[0] == person[0] {
		t.Errorf("call bridges were listed by %q, and for the secrets by %q", own, person)
	}
}

func TestBridgesAreCompared(t *testing.T) {
	b := newDesk(t).signedIn("operator")
	says(t, b.get(xmppPath+"?check=bridges").body, "9c41f0", "1e88a3", "another secret than the leader", "Remedy: systemctl restart quorate-xmpp on cb2")
}

func TestListenAndPorts(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	form := values("action", "listen", "listen", "a b", "client-port", "6222", "component-port", "5223", "cluster-port", "5224", "gossip-port", "7946")
	says(t, b.does(xmppPath, form), "interfaces and ports set", `value="a b"`, `value="6222"`)
	if got := d.setting("xmpp.client_port"); got != "6222" {
		t.Errorf("the port is %s", got)
	}

	form.Set("client-port", "99999")
	form.Set("listen", "z")
	want(t, b.post(xmppPath, form), http.StatusUnprocessableEntity, `id="w-client-port"`, `id="w-listen"`, `value="99999"`, `value="z"`)
	form.Set("listen", "a")
	form.Set("client-port", "5223")
	want(t, b.post(xmppPath, form), http.StatusUnprocessableEntity, "port 5223 is given twice")
	if got := d.setting("xmpp.client_port"); got != "6222" {
		t.Errorf("a refused form made the port %s", got)
	}
}

// What the XMPP service can not take over is taken back.
func TestWhatIsNotAppliedIsTakenBack(t *testing.T) {
	d := newDesk(t, func(d *desk) {
		d.node.applied = []bus.Step{{Name: "listen", Text: "port 6222 is in use", Remedy: "choose another port"}}
	})
	b := d.signedIn("admin")
	form := values("action", "listen", "listen", "a", "client-port", "6222", "component-port", "5223", "cluster-port", "5224", "gossip-port", "7946")
	want(t, b.post(xmppPath, form), http.StatusUnprocessableEntity, "nothing was changed: port 6222 is in use", "Remedy:</strong> choose another port")
	if got := d.setting("xmpp.client_port"); got != "5222" {
		t.Errorf("the port is %s", got)
	}
}

// A fault that was there before is not of the change's making.
func TestAKnownFaultIsNoFailure(t *testing.T) {
	d := newDesk(t, func(d *desk) {
		d.node.applied = []bus.Step{{Name: "certificate", Text: "xmpp.cer has expired"}}
		d.node.faults = []bus.Fault{{Text: "xmpp.cer has expired"}}
	})
	if _, err := d.config.Set(t.Context(), map[string]any{"xmpp.enabled": true}); err != nil {
		t.Fatal(err)
	}
	says(t, d.signedIn("admin").does(xmppPath, values("action", "disable")), "</strong> XMPP service disabled")
	if got := d.setting("xmpp.enabled"); got != "false" {
		t.Errorf("xmpp.enabled is %s", got)
	}
}

func TestEnableAsksFirst(t *testing.T) {
	d := newDesk(t, func(d *desk) {
		d.node.enabled = false
		d.node.preflight = []bus.Step{{Name: "domain", OK: true, Text: "the domain is meet.example"}, {Name: "listen", Text: "no interface is set", Remedy: "xmpp listen a"}}
	})
	b := d.signedIn("admin")
	says(t, b.get(xmppPath).body, "not all is there", "no interface is set", "Remedy: xmpp listen a", `value="enable"`)
	want(t, b.post(xmppPath, values("action", "enable")), http.StatusUnprocessableEntity, "was not enabled: no interface is set", "Remedy:</strong> xmpp listen a")
	if got := d.setting("xmpp.enabled"); got != "false" {
		t.Errorf("xmpp.enabled is %s", got)
	}
}

func TestEnable(t *testing.T) {
	d := newDesk(t, func(d *desk) { d.node.enabled = false })
	says(t, d.signedIn("admin").does(xmppPath, values("action", "enable")), "XMPP service enabled")
	if got := d.setting("xmpp.enabled"); got != "true" {
		t.Errorf("xmpp.enabled is %s", got)
	}
}

func TestXmppRefusals(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	d.notes.refuseWith("CallBridgeAddSecret", fault.Mend(fault.WrongSecret, "the cluster holds another secret for cb1", "type the cluster's"))
	d.notes.refuseWith("SetDomain", fault.Mend(fault.WrongState, "the cluster serves meet.example", "xmpp reset"))
	d.notes.refuseWith("UserAdd", fault.New(fault.Exists, "there is an account carol already"))
	for _, c := range []struct {
		form  url.Values
		words []string
	}{
		{values("action", "bridge-add"), []string{`id="w-bridge"`}},
		{values("action", "bridge-add-secret", "known-bridge", "cb1"), []string{`id="w-bridge-secret"`, `value="cb1"`}},
		{values("action", "bridge-add-secret", "known-bridge", "cb1", "bridge-secret", "hunter2"), []string{"another secret for cb1", `id="w-bridge-secret"`, "type the cluster"}},
		{values("action", "domain"), []string{`id="w-domain"`}},
		{values("action", "domain", "domain", "other.example"), []string{"the cluster serves meet.example", "Remedy:</strong> xmpp reset", `value="other.example"`}},
		{values("action", "trust"), []string{`id="w-trust"`}},
		{values("action", "user-add", "user", "carol", "password", "hunter2", "confirm-password", "hunter3"), []string{`id="w-confirm-password"`, "the two differ", `value="carol"`}},
		{values("action", "user-add", "user", "carol"), []string{`id="w-password"`, "may not be empty"}},
		{values("action", "user-add", "user", "carol", "password", "hunter2", "confirm-password", "hunter2"), []string{"there is an account carol already", `id="w-user"`}},
		{values("action", "user-delete", "account", "bob"), []string{"not confirmed"}},
		{values("action", "bridge-delete", "bridge", "cb1"), []string{"not confirmed"}},
	} {
		got := b.post(xmppPath, c.form)
		want(t, got, http.StatusUnprocessableEntity, append(c.words, `role="alert"`)...)
		hides(t, got.body, "hunter2", "hunter3", clusterSecret)
	}
	if got := d.notes.take(); got != nil {
		t.Errorf("refused forms did %q", got)
	}
}

func TestXmppCertificates(t *testing.T) {
	d := newDesk(t, func(d *desk) { d.store.warnings = []string{"self-signed: not for production"} })
	b := d.signedIn("admin")
	form := values("action", "certificates", "key", "xmpp.key", "certificate", "xmpp.cer", "bundle", "ca.cer")
	says(t, b.does(xmppPath, form), "key and certificate pair match", "Warning: self-signed: not for production")
	if got, want := d.notes.take(), []string{"Check xmpp.key xmpp.cer ca.cer meet.example"}; !slices.Equal(got, want) {
		t.Errorf("asked for %q", got)
	}
	if got := d.setting("xmpp.certificate"); got != `"xmpp.cer"` {
		t.Errorf("the certificate is %s", got)
	}

	d.notes.refuseWith("Check", fault.Mend(fault.CertificateName, "old.cer does not name meet.example", "pki csr"))
	form.Set("certificate", "old.cer")
	want(t, b.post(xmppPath, form), http.StatusUnprocessableEntity, `id="w-certificate"`, "does not name meet.example", `<option selected>old.cer`)
	want(t, b.post(xmppPath, values("action", "certificates", "certificate", "xmpp.cer")), http.StatusUnprocessableEntity, `id="w-key"`)
	// Enabled, it is not left without.
	want(t, b.post(xmppPath, values("action", "certificates")), http.StatusUnprocessableEntity, "is enabled and needs its certificate")
	if got := d.setting("xmpp.certificate"); got != `"xmpp.cer"` {
		t.Errorf("a refused form made the certificate %s", got)
	}
}
