package web

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

const storePath = "/certificates"

// upload sends a multipart form as a browser does; files are names and contents
// in turn.
func (b *browser) upload(fields map[string]string, files ...string) reply {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	_ = w.WriteField("csrf", b.csrf) // into memory, as all that follows
	_ = w.WriteField("action", "upload")
	for name, value := range fields {
		_ = w.WriteField(name, value)
	}
	for i := 0; i < len(files); i += 2 {
		part, _ := w.CreateFormFile("file", files[i])
		_, _ = part.Write([]byte(files[i+1]))
	}
	w.Close()
	req := b.request(http.MethodPost, storePath, &body)
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Origin", "https://"+b.r.addr)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(req)
}

func TestCertificatesAtAGlance(t *testing.T) {
	b := newDesk(t).signedIn("operator")
	says(t, b.get(storePath).body, "xmpp.cer", "19 days left", "expired 11 days ago", "3329 days left", "the file ends in the middle of a PEM block",
		"clients and Call Bridges refuse this node when xmpp.cer ends", "in 19 days", "Remedy: upload a new xmpp.cer")
	says(t, b.get(storePath+"?file=xmpp.cer").body, leafPrint, "CN=Example Root CA", "?download=xmpp.cer")
	hides(t, b.get(storePath+"?file=xmpp.key").body, "?download=")
	hides(t, b.get(storePath+"?file=half.cer").body, "?download=")
	says(t, b.get(storePath+"?file=none.cer").body, "there is no file none.cer")
}

func TestDaysLeft(t *testing.T) {
	for want, c := range map[verdict]bus.Certificate{
		{}:                             {},
		{"ok", "31 days left"}:         {NotAfter: "x", DaysLeft: 31},
		{"warn", "30 days left"}:       {NotAfter: "x", DaysLeft: 30},
		{"bad", "1 day left"}:          {NotAfter: "x", DaysLeft: 1},
		{"bad", "expired 1 day ago"}:   {NotAfter: "x", DaysLeft: -1},
		{"bad", "expired 30 days ago"}: {NotAfter: "x", DaysLeft: -30},
	} {
		if got := expiry(c); got != want {
			t.Errorf("%d days: %+v, want %+v", c.DaysLeft, got, want)
		}
	}
}

func TestUpload(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	if got := b.upload(nil, "xmpp.cer", "one", `C:\certs\ca.cer`, "two"); got.code != http.StatusSeeOther {
		t.Fatalf("%d\n%s", got.code, got.body)
	}
	says(t, b.get(storePath).body, "xmpp.cer: ready", "ca.cer: ready")
	if got := d.notes.take(); !slices.Equal(got, []string{"Upload xmpp.cer", "Upload ca.cer"}) {
		t.Errorf("asked for %q", got)
	}
	if got := d.notes.given("Upload"); got != "two" {
		t.Errorf("the content is %q", got)
	}
	// A renewal keeps the name, whatever the file was called.
	if got := b.upload(map[string]string{"as": "xmpp.cer"}, "download(3).crt", "new"); got.code != http.StatusSeeOther {
		t.Fatalf("%d\n%s", got.code, got.body)
	}
	if got := d.notes.take(); !slices.Equal(got, []string{"Upload xmpp.cer"}) {
		t.Errorf("asked for %q", got)
	}
}

func TestUploadsThatAreRefused(t *testing.T) {
	d := newDesk(t, func(d *desk) { d.store.uploaded = bus.Certificate{State: "rejected", Reason: "there is no PEM block"} })
	b := d.signedIn("admin")
	want(t, b.upload(nil), http.StatusUnprocessableEntity, "choose at least one file", `id="w-files"`)
	want(t, b.upload(nil, "xmpp.cer", "x"), http.StatusUnprocessableEntity, "xmpp.cer: rejected: there is no PEM block")
	want(t, b.upload(nil, "../../etc/passwd", "x"), http.StatusUnprocessableEntity, "passwd: refused", "is not a name")
	want(t, b.upload(map[string]string{"as": "xmpp.cer"}, "a.cer", "x", "b.cer", "y"), http.StatusUnprocessableEntity, "only one file")
	want(t, b.upload(nil, "huge.cer", strings.Repeat("x", maxUpload)), http.StatusRequestEntityTooLarge)
	d.notes.refuseWith("Upload", fault.Mend(fault.Trust, "cb2 would not accept it", "add its CA to the cluster trust first"))
	want(t, b.upload(nil, "xmpp.cer", "x"), http.StatusUnprocessableEntity, "cb2 would not accept it", "add its CA")
}

func TestCertificateDeeds(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	for _, c := range []struct {
		form  []string
		calls []string
		words string
	}{
		{[]string{"action", "csr", "base", "xmpp", "cn", "meet.example", "o", "Example Ltd", "ou", "Video", "l", "London", "st", "Greater London", "c", "GB",
			"email", "video@meet.example", "names", "cb1.meet.example\r\ncb2.meet.example, 10.0.0.10", "key-type", "rsa2048"},
			[]string{"CSR xmpp CN:meet.example OU:Video O:Example Ltd L:London ST:Greater London C:GB emailAddress:video@meet.example " +
				"subjectAltName:cb1.meet.example,cb2.meet.example,10.0.0.10 key:rsa2048"}, "created xmpp.key and xmpp.csr"},
		{[]string{"action", "selfsigned", "base", "web"}, []string{"SelfSigned web"}, "not for production"},
		{[]string{"action", "import", "archive", "shared.p12", "import-passphrase", "hunter2"}, []string{"Import shared.p12"}, "imported shared.key, shared.cer"},
		{[]string{"action", "unlock", "locked", "locked.key", "unlock-passphrase", "hunter2"}, []string{"Unlock locked.key"}, "unlocked"},
		{[]string{"action", "export", "export", "xmpp.key", "export-passphrase", "hunter2", "confirm-export-passphrase", "hunter2"}, []string{"Export xmpp"}, "by SFTP"},
		{[]string{"action", "remove", "file", "old.cer", "sure", "yes"}, []string{"Remove old.cer"}, "old.cer removed"},
		{[]string{"action", "assign-xmpp", "key", "xmpp.key", "certificate", "xmpp.cer"}, []string{"Check xmpp.key xmpp.cer  meet.example"}, "XMPP certificate set"},
		{[]string{"action", "assign-web", "key", "xmpp.key", "certificate", "xmpp.cer"}, []string{"Check xmpp.key xmpp.cer"}, "Web Admin certificate set"},
		{[]string{"action", "trust", "trust", "ca.cer"}, []string{"CheckTrust ca.cer"}, "cluster trust set"},
		{[]string{"action", "link-trust", "trust", "ca.cer"}, nil, "the Call Bridge trusts ca.cer"},
	} {
		page := b.does(storePath, values(c.form...))
		says(t, page, c.words)
		hides(t, page, "hunter2")
		if got := d.notes.take(); !slices.Equal(got, c.calls) {
			t.Errorf("%s: asked for %q, want %q", c.form[1], got, c.calls)
		}
	}
	for _, method := range []string{"Import", "Unlock", "Export"} {
		if got := d.notes.given(method); got != "hunter2" {
			t.Errorf("%s was given %q", method, got)
		}
	}
	for key, want := range map[string]string{"web.certificate": `"xmpp.cer"`, "xmpp.key": `"xmpp.key"`, "cluster.trust": `"ca.cer"`, "callbridge.trust": `"ca.cer"`} {
		if got := d.setting(key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
}

func TestCertificateRefusals(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	d.notes.refuseWith("Remove", fault.Mend(fault.InUse, "xmpp.cer is in use", "xmpp certs none"))
	d.notes.refuseWith("Import", fault.Mend(fault.InvalidArgument, "the passphrase is wrong", "type it again"))
	d.notes.refuseWith("Check", fault.Mend(fault.KeyMismatch, "xmpp.key does not belong to old.cer", "pki match"))
	for _, c := range []struct {
		form  []string
		words []string
	}{
		{[]string{"action", "csr", "base", "a.b", "cn", "meet.example", "c", "England"}, []string{`id="w-base"`, `id="w-c"`, `value="meet.example"`, `value="England"`}},
		{[]string{"action", "csr", "base", "xmpp", "names", "not a/name"}, []string{`id="w-names"`, `id="w-cn"`, "not a/name</textarea>"}},
		{[]string{"action", "import"}, []string{`upload it first`}},
		{[]string{"action", "import", "archive", "shared.p12", "import-passphrase", "hunter2"}, []string{"the passphrase is wrong", `id="w-import-passphrase"`}},
		{[]string{"action", "unlock"}, []string{`upload it first`}},
		{[]string{"action", "export", "export", "xmpp.key", "export-passphrase", "hunter2"}, []string{`id="w-confirm-export-passphrase"`}},
		{[]string{"action", "export", "export", "xmpp.key"}, []string{`id="w-export-passphrase"`}},
		{[]string{"action", "remove", "file", "xmpp.cer"}, []string{"not confirmed"}},
		{[]string{"action", "remove", "file", "xmpp.cer", "sure", "yes"}, []string{"xmpp.cer is in use", "Remedy:</strong> xmpp certs none"}},
		{[]string{"action", "assign-web", "key", "xmpp.key", "certificate", "old.cer"}, []string{`id="w-key"`, "does not belong to old.cer", "<option selected>old.cer"}},
		{[]string{"action", "assign-web", "key", "xmpp.key"}, []string{`id="w-certificate"`}},
	} {
		got := b.post(storePath, values(c.form...))
		want(t, got, http.StatusUnprocessableEntity, append(c.words, `role="alert"`)...)
		hides(t, got.body, "hunter2")
	}
	if got := d.notes.take(); got != nil {
		t.Errorf("refused forms did %q", got)
	}
}

func TestExamine(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("operator")
	says(t, b.get(storePath+"?match-key=xmpp.key&match-certificate=xmpp.cer").body, "key and certificate pair match: xmpp.key, xmpp.cer")
	says(t, b.get(storePath+"?verify-certificate=xmpp.cer&verify-bundle=ca.cer&verify-domain=meet.example").body, "xmpp.cer is verified by ca.cer")
	if got, want := d.notes.take(), []string{"Match xmpp.key xmpp.cer", "Verify xmpp.cer ca.cer meet.example"}; !slices.Equal(got, want) {
		t.Errorf("asked for %q", got)
	}
	d.notes.refuseWith("Match", fault.New(fault.KeyMismatch, "they do not belong together"))
	says(t, b.get(storePath+"?match-key=xmpp.key&match-certificate=old.cer").body, "they do not belong together", "<option selected>old.cer")
}

func TestDownload(t *testing.T) {
	b := newDesk(t).signedIn("operator")
	got := b.get(storePath + "?download=xmpp.cer")
	want(t, got, http.StatusOK, "-----BEGIN CERTIFICATE-----")
	if got.header.Get("Content-Disposition") != "attachment; filename=xmpp.cer" || got.header.Get("Content-Type") != "application/x-pem-file" {
		t.Errorf("headers %v", got.header)
	}
	want(t, b.get(storePath+"?download=xmpp.key"), http.StatusForbidden, "a private key is never shown")
}
