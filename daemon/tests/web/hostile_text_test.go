package web

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
	"quorate.org/daemon/journal"
)

// hostileText is markup, a terminal's clear-screen and colour, and a mark that
// turns the direction of reading.
const hostileText = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`--></title>\x1b[2J\x1b[31m\u202egnp.txt"

// drawn fails when a page holds what would run.
func (s *siege) drawn(where, body string) {
	s.t.Helper()
	for _, live := range []string{"<script>alert", "<img src=x", "--></title>"} {
		if strings.Contains(body, live) {
			s.t.Errorf("%s has %q in it", where, live)
		}
	}
}

// certificate is a self-signed one with this subject.
func certificate(t *testing.T, subject string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: subject, Organization: []string{subject}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 1, 0), DNSNames: []string{"x.example"}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// A file's name is the sender's word: what is no plain name is refused, and none
// leaves the store's folder.
func TestM3_5_HostileFileNames(t *testing.T) {
	s := besiege(t)
	admin := s.signedIn("admin")
	token, cert := admin.token(), certificate(t, "harmless")
	names := []string{
		"../../../../etc/cron.d/evil", "..", ".", ".hidden.cer", "a b.cer", "evil\x00.cer", "evil.cer\x00.sh", "evil\r\nX: y.cer", "evil\n.cer",
		`q\".cer`, "q'.cer", "\u202erec.live", "evil\u200b.cer", "<script>alert(1)</script>.cer", "$(reboot).cer", "`reboot`.cer", "%2e%2e%2fevil.cer",
		strings.Repeat("n", 300) + ".cer", "evil.php", "con:evil.cer", "evil.cer;x=y", "\xff\xfe.cer", "*.cer", "xmpp.KEY\u212a",
	}
	for _, name := range names {
		body, kind := form(token, "upload", name, cert)
		r := admin.request(http.MethodPost, "/certificates", body)
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		a := admin.do(r)
		if a.code != http.StatusUnprocessableEntity && a.code != http.StatusBadRequest {
			t.Errorf("%q: %d", name, a.code)
		}
		s.drawn(name, a.body)
	}
	s.told(journal.ChangeRefused, "Web Admin /certificates upload refused")
	s.held() // before the one that is taken under its last part
	body, kind := form(token, "upload", "../../../../etc/evil.cer", cert)
	r := admin.request(http.MethodPost, "/certificates", body)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	s.want(admin.do(r), http.StatusSeeOther)
	must(t, wantf(strings.Contains(typed(t, s.node, "pki list"), "evil.cer"), "it is not in the store"))
	typed(t, s.node, "pki remove evil.cer")
	s.held()
	t.Logf("M3.5 file names: %d names refused, told in the journal; ../../../../etc/evil.cer is evil.cer of the store", len(names))
}

// Whatever text others can put on a page is text there.
func TestM3_5_StoredText(t *testing.T) {
	s := besiege(t)
	defer s.held()
	admin := s.signedIn("admin")
	token := admin.token()

	must(t, s.node.Put(t.Context(), "hostile.cer", certificate(t, hostileText)))
	must(t, lab.Wait(t.Context(), 10*time.Second, "the certificate to be taken", func() error {
		return wantf(strings.Contains(admin.get("/certificates").body, "hostile.cer"), "it is not there")
	}))
	defer typed(t, s.node, "pki remove hostile.cer")

	live := s.live(admin, "/logs/live")
	written := make(chan struct{})
	go func() { // until the live page shows it, which begins when it has found the end of the journal
		for tick := time.NewTicker(200 * time.Millisecond); ; {
			s.write("MESSAGE", hostileText, "SYSLOG_IDENTIFIER", "xmppd", "PRIORITY", "3")
			s.write("MESSAGE", "ordinary", "SYSLOG_IDENTIFIER", hostileText, "PRIORITY", "3")
			select {
			case <-tick.C:
			case <-written:
				return
			}
		}
	}()
	shownLive := live("alert(1)")
	close(written)
	s.drawn("the live log", shownLive)
	for _, form := range []url.Values{ // refused, and shown again
		{"action": {"bridge-add"}, "bridge": {hostileText}}, {"action": {"domain"}, "domain": {hostileText}}, {"action": {"user-add"}, "user": {hostileText}, "password": {"x"}, "confirm-password": {"x"}},
		{"action": {hostileText}},
	} {
		form.Set("csrf", token)
		a := admin.post("/configuration/xmpp", form)
		must(t, wantf(a.code == http.StatusUnprocessableEntity, "%v answers %d", form, a.code))
		s.drawn("the refused form", a.body)
	}
	a := s.elsewhere().post("/signin", url.Values{"user": {hostileText}, "password": {hostileText}})
	s.drawn("the sign-in", a.body)
	r := admin.request(http.MethodGet, "/status", nil)
	r.Header.Set("User-Agent", hostileText[:strings.Index(hostileText, "\x1b")])
	r.Header.Set("Referer", "https://evil.example/<script>alert(1)</script>")
	s.drawn("a page", admin.do(r).body)

	shown := 0
	for _, path := range append(pagePaths(t), "/logs/download", "/certificates?file=hostile.cer", "/logs?text="+url.QueryEscape(hostileText), "/certificates?ask=remove&file="+url.QueryEscape(hostileText), "/signin?next="+url.QueryEscape(hostileText)) {
		body := admin.get(path).body
		if path == "/logs/download" {
			must(t, wantf(!strings.Contains(body, "\x1b"), "the download steers a terminal"))
			continue
		}
		s.drawn(path, body)
		if !strings.Contains(path, "%1B") && strings.ContainsAny(body, "\x1b\u202e") { // else it is what was asked
			t.Errorf("%s has characters that steer a terminal or turn the direction of reading", path)
		}
		shown += strings.Count(body, "alert(1)")
	}
	for _, command := range []string{"pki list", "pki inspect hostile.cer", "syslog tail"} {
		if out := typed(t, s.node, command); strings.ContainsAny(out, "\x1b\u202e") {
			t.Errorf("%s steers the terminal: %q", command, out)
		}
	}
	must(t, wantf(shown >= 4, "the text is on the pages only %d times", shown))
	t.Logf("M3.5 stored text: of certificates, the journal, refused forms and headers it is on the pages %d times, each time as text", shown)
}

// What the DNS says of a name is text on the pages, too.
func TestM3_5_HostileDNS(t *testing.T) {
	s := besiege(t)
	const domain = "evil.example"
	record := "srv-host=_xmpp-component._tcp." + domain + ",<script>alert(1)</script>." + domain + ",5223"
	must(t, s.lab.SetZone(t.Context(), append(s.lab.Zone(), record, "txt-record=_xmpp-component._tcp."+domain+",<script>alert(3)</script>")...))
	defer func() { must(t, s.lab.SetZone(context.Background(), s.lab.Zone()...)) }()
	for _, line := range []string{"callbridge domain " + domain, "callbridge name cb2"} {
		typed(t, s.node, line)
	}
	typed(t, s.node, "callbridge secret", "linkSecretOfTheNode2", "linkSecretOfTheNode2")
	s.secrets = append(s.secrets, "linkSecretOfTheNode2")
	defer func() {
		typed(t, s.node, "config unset callbridge.name callbridge.domain callbridge.secret")
		s.held()
	}()
	admin, text := s.signedIn("admin"), ""
	must(t, lab.Wait(t.Context(), 20*time.Second, "the link to fail", func() error {
		text = admin.get("/configuration/general").body
		return wantf(strings.Contains(text, "&lt;script&gt;alert"), "it says %s", labtest.Section(text, "link"))
	}))
	s.drawn("the link", text)
	s.drawn("the status", admin.get("/status").body)
	s.drawn("the log", admin.get("/logs").body)
	t.Logf("M3.5 hostile DNS: markup in the name of a target is text: %s", labtest.Section(text, "link"))
}

// write puts an entry into the node's journal as any program could: the native
// protocol, a field's length before its value.
func (s *siege) write(fields ...string) {
	s.t.Helper()
	c, err := net.Dial("unixgram", s.node.JournalSocket())
	must(s.t, err)
	defer c.Close()
	var b strings.Builder
	for i := 0; i < len(fields); i += 2 {
		size := uint64(len(fields[i+1]))
		fmt.Fprintf(&b, "%s\n", fields[i])
		for shift := 0; shift < 64; shift += 8 {
			b.WriteByte(byte(size >> shift))
		}
		b.WriteString(fields[i+1] + "\n")
	}
	_, err = c.Write([]byte(b.String()))
	must(s.t, err)
}

// live opens a live page; what it returns reads until a word has come.
func (s *siege) live(who *stranger, path string) func(word string) string {
	s.t.Helper()
	c := who.tls("http/1.1")
	s.t.Cleanup(func() { _ = c.Close() })
	_, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: cb2\r\nCookie: __Host-quorate=%s\r\n\r\n", path, who.cookie().Value)
	must(s.t, err)
	in := bufio.NewReader(c)
	_, err = in.ReadString(':') // the first comment is after the header
	must(s.t, err)
	return func(word string) string {
		var got strings.Builder
		for !strings.Contains(got.String(), word) {
			line, err := in.ReadString('\n')
			must(s.t, err)
			got.WriteString(line)
		}
		return got.String()
	}
}
