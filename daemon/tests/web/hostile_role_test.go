package web

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"quorate.org/config"
	"quorate.org/daemon/internal/lab/labtest"
	"quorate.org/daemon/journal"
)

// pageDeed is a button of a page.
type pageDeed struct{ path, action string }

var (
	pageTable = regexp.MustCompile(`page\{path: "([^"]+)"`)
	deedTable = regexp.MustCompile(`(?s)page\{path: "([^"]+)"[^\n]*act: deeds\{(.*?)\}\.act`)
	deedName  = regexp.MustCompile(`(?m)^\s*"([a-z-]+)":`)
)

// deedsOfPages reads the table of the pages in their source: every button of
// every page, those that the node's state hides included. A page that takes
// forms and tells its buttons otherwise fails the test.
func deedsOfPages(t *testing.T) (deeds []pageDeed) {
	t.Helper()
	for _, text := range sources(t) {
		for _, page := range deedTable.FindAllStringSubmatch(text, -1) {
			for _, name := range deedName.FindAllStringSubmatch(page[2], -1) {
				deeds = append(deeds, pageDeed{page[1], name[1]})
			}
		}
		if forms, tables := strings.Count(text, "act: "), len(deedTable.FindAllString(text, -1)); strings.Contains(text, "page{path:") && forms != tables {
			t.Fatalf("%d pages take forms and %d tell their buttons", forms, tables)
		}
	}
	must(t, wantf(len(deeds) >= 30, "only %d buttons were found", len(deeds)))
	return deeds
}

// pagePaths are those of all pages, by the same table.
func pagePaths(t *testing.T) (paths []string) {
	t.Helper()
	for _, text := range sources(t) {
		for _, page := range pageTable.FindAllStringSubmatch(text, -1) {
			paths = append(paths, page[1])
		}
	}
	must(t, wantf(len(paths) >= 6, "only %d pages were found", len(paths)))
	return paths
}

func sources(t *testing.T) (texts []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(labtest.Root(), "daemon/web/*.go"))
	must(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		data, err := os.ReadFile(file)
		must(t, err)
		texts = append(texts, string(data))
	}
	return texts
}

// everyField is a form that would do what the button is for, as far as one can.
func everyField(action, token string) url.Values {
	f := url.Values{"action": {action}, "csrf": {token}, "sure": {"yes"}, "force": {"yes"}}
	for name, value := range map[string]string{
		"name": "cb1", "domain": "evil.example", "server": "evil.example", "trust": "ca.cer", "secret": "operators secret", "confirm": "operators secret",
		"bridge": "cb1", "known-bridge": "evil", "bridge-secret": "operators secret", "user": "evil", "account": "alice", "password": "operators secret",
		"confirm-password": "operators secret", "new-password": "operators secret", "confirm-new-password": "operators secret", "listen": "b",
		"client-port": "1", "component-port": "2", "cluster-port": "3", "gossip-port": "4", "key": "xmpp.key", "certificate": "xmpp.cer", "bundle": "ca.cer",
		"base": "evil", "cn": "evil.example", "key-type": "p256", "file": "xmpp.cer", "archive": "xmpp.p12", "locked": "xmpp.key", "export": "xmpp.key",
		"export-passphrase": "operators secret", "confirm-export-passphrase": "operators secret", "import-passphrase": "x", "unlock-passphrase": "x",
		"host": "cb4.meet.example", "node": "cb3",
	} {
		f.Set(name, value)
	}
	return f
}

// noChange fails when a service was asked for a change since the siege began:
// each such call is in the journal, refused or done.
func (s *siege) noChange() {
	s.t.Helper()
	for _, id := range []journal.MessageID{journal.ChangeMade, journal.ChangeRefused} {
		for _, e := range s.entries("MESSAGE_ID=" + string(id)) {
			if e["SYSLOG_IDENTIFIER"] != "webd" || id == journal.ChangeMade {
				s.t.Errorf("%v was asked: %v", e["SYSLOG_IDENTIFIER"], e["MESSAGE"])
			}
		}
	}
}

// An operator who posts every form of every page directly, with a token of
// their own, gets 403, and no service hears of it.
func TestM3_5_OperatorChangesNothing(t *testing.T) {
	s := besiege(t)
	s.secrets = append(s.secrets, "operators secret")
	operator := s.signedIn("operator")
	token, deeds := operator.token(), deedsOfPages(t)
	for _, d := range deeds {
		s.want(operator.post(d.path, everyField(d.action, token)), http.StatusForbidden, "this is for administrators", "quorate-admin")
	}
	for _, path := range pagePaths(t) {
		a := operator.post(path, everyField("save", token))
		must(t, wantf(a.code == http.StatusForbidden || a.code == http.StatusMethodNotAllowed, "%s answers %d", path, a.code))
	}
	body, kind := form(token, "upload", "evil.cer", []byte("x"))
	r := operator.request(http.MethodPost, "/certificates", body)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	s.want(operator.do(r), http.StatusForbidden, "this is for administrators")
	s.told(journal.ChangeRefused, "operator from 10.77.0.1: Web Admin", "refused: this is for administrators")
	s.noChange()
	s.held()
	t.Logf("M3.5 operator changes nothing: %d buttons of every page answered 403, each in the journal, no service was asked", len(deeds))
}

// No page shows an operator a secret, whatever is asked of it.
func TestM3_5_OperatorSeesNoSecret(t *testing.T) {
	s := besiege(t)
	const secret = "linkSecretOfTheNode1"
	typed(t, s.node, "callbridge secret", secret, secret)
	defer func() { typed(t, s.node, "config unset callbridge.secret"); s.held() }()
	s.secrets = append(s.secrets, secret)
	operator, n := s.signedIn("operator"), 0
	questions := []string{"", "?show=secrets", "?check=bridges", "?ask=remove&file=xmpp.key", "?file=xmpp.key", "?download=xmpp.key", "?download=xmpp.p12",
		"?match-key=xmpp.key&match-certificate=xmpp.cer", "?verify-certificate=xmpp.key&verify-bundle=xmpp.key", "?ask=recover", "?unit=confd&lines=2000", "?text=secret&lines=2000", "?ask=bridge-delete&bridge=cb1"}
	for _, path := range pagePaths(t) {
		for _, question := range questions {
			a := operator.get(path + question)
			s.nothingIn(a.body)
			if a.code >= 500 || strings.Contains(a.body, `value="bridge-add"`) {
				t.Errorf("%s%s answers %d", path, question, a.code)
			}
			n++
		}
	}
	s.nothingIn(operator.get("/logs/download").body)
	s.told(journal.WebRefused, "xmpp.key holds a key, not a certificate")
	s.noChangeBut("callbridge.secret")
	t.Logf("M3.5 operator sees no secret: %d pages hold none of %d", n, len(s.secrets))
}

// noChangeBut is noChange with the test's own change left out.
func (s *siege) noChangeBut(own string) {
	s.t.Helper()
	for _, e := range s.entries("MESSAGE_ID=" + string(journal.ChangeMade)) {
		if !strings.Contains(fmt.Sprint(e["MESSAGE"]), own) {
			s.t.Errorf("a change was made: %v", e["MESSAGE"])
		}
	}
}

// A killed Web Admin comes back, and nobody is signed in.
func TestM3_5_Killed(t *testing.T) {
	s := besiege(t)
	b := s.signedIn("admin")
	live := b.tls("http/1.1")
	defer live.Close()
	_, err := fmt.Fprintf(live, "GET /status/live HTTP/1.1\r\nHost: cb2\r\nCookie: __Host-quorate=%s\r\n\r\n", b.cookie().Value)
	must(t, err)
	_, err = live.Read(make([]byte, 1))
	must(t, err)
	s.restart()
	b.client.CloseIdleConnections()
	for _, path := range pagePaths(t) {
		a := b.get(path)
		must(t, wantf(a.code == http.StatusSeeOther && a.header.Get("Location") == "/signin?next="+url.QueryEscape(path), "%s answers %d", path, a.code))
	}
	s.want(b.post("/configuration/xmpp", url.Values{"action": {"disable"}}), http.StatusSeeOther)
	b.signIn("admin")
	s.want(b.get("/status"), http.StatusOK, "administrator")
	s.noChange()
	s.held()
	t.Log("M3.5 killed: Web Admin comes back after SIGKILL and asks everybody to sign in anew")
}

// Who signed in, and from where, is found from the services' own record of a
// change: the process that connected is the one that told of the sign-in.
func TestM3_5_AuditTrail(t *testing.T) {
	s := besiege(t)
	b := s.signedIn("admin", s.lab.Node("cb3").Dial)
	s.want(b.post("/configuration/xmpp", url.Values{"action": {"bridge-add"}, "bridge": {"not a name"}, "csrf": {b.token()}}), http.StatusUnprocessableEntity)
	change := s.told(journal.ChangeRefused, "admin: CallBridgeAdd")
	signedIn := s.entries("MESSAGE_ID="+string(journal.SignedIn), fmt.Sprintf("_PID=%v", change["CALLER_PID"]))
	must(t, wantf(len(signedIn) == 1 && strings.HasPrefix(fmt.Sprint(signedIn[0]["MESSAGE"]), "admin signed in from "+s.lab.Node("cb3").Addr()),
		"the sign-in of process %v is %v", change["CALLER_PID"], signedIn))
	s.told(journal.ChangeRefused, "admin from "+s.lab.Node("cb3").Addr()+": Web Admin /configuration/xmpp bridge-add refused")
	s.held()
	t.Logf("M3.5 audit trail: %v → %v", change["MESSAGE"], signedIn[0]["MESSAGE"])
}

// as runs busctl on the node's bus, or another socket, as a user of the node.
func (s *siege) as(uid uint32, socket string, args ...string) (string, error) {
	cmd := exec.CommandContext(s.t.Context(), "busctl", append([]string{"--timeout=5", "--address=unix:path=" + socket}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

const webUID = 805

// Nobody but Web Admin tries passwords at the sign-in.
func TestM3_5_SignInSocket(t *testing.T) {
	s := besiege(t)
	for _, uid := range []uint32{800, 806, 807, 65534} {
		if out, err := s.as(uid, s.node.SignInSocket(), "list"); err == nil || !strings.Contains(out, "Permission denied") {
			t.Errorf("user %d reaches the sign-in: %s", uid, out)
		}
	}
	if out, err := s.as(webUID, s.node.SignInSocket(), "list"); err == nil || strings.Contains(out, "Permission denied") {
		t.Errorf("Web Admin's own user does not: %s", out)
	}
	s.held()
	t.Log("M3.5 sign-in socket: admin, operator, quorate-callbridge and nobody are refused by the kernel; quorate-web alone is let in")
}

// What a Web Admin that was taken over can do while nobody is signed in: every
// change is refused, no secret is read, and no key but its own is opened.
func TestM3_5_TakenOver(t *testing.T) {
	s := besiege(t)
	changes, reads := 0, 0
	for _, name := range []string{"Xmpp1", "Config1", "Certificates1", "CallBridge1"} {
		for _, m := range methods(t, "org.quorate."+name) {
			if m.takesFile() {
				t.Logf("%s.%s takes a descriptor, which busctl can not send: not tried here", name, m.Name)
				continue
			}
			args := append([]string{"call", "org.quorate." + name, "/org/quorate/" + name, "org.quorate." + name, m.Name}, m.zero(t)...)
			out, err := s.as(webUID, s.node.BusSocket(), args...)
			s.nothingIn(out)
			switch m.access() {
			case "read":
				reads++
			case "service":
				if m.Name == "OpenKey" && (err == nil || !strings.Contains(out, "quorate-web")) {
					t.Errorf("OpenKey of nothing: %s", out)
				}
			default: // change, or another service's alone
				changes++
				if err == nil || !strings.Contains(out, "user quorate-web may not change this") && !strings.Contains(out, "may do this, not user quorate-web") {
					t.Errorf("%s.%s: %v %s", name, m.Name, err, out)
				}
			}
		}
	}
	must(t, wantf(changes >= 30 && reads >= 15, "only %d changes and %d reads were tried", changes, reads))
	for _, key := range []string{"xmpp.key", "../state/certd/xmpp.key", "xmpp.p12", "nothing.key"} {
		out, err := s.as(webUID, s.node.BusSocket(), "call", "org.quorate.Certificates1", "/org/quorate/Certificates1", "org.quorate.Certificates1", "OpenKey", "s", key)
		must(t, wantf(err != nil, "Web Admin opens %s: %s", key, out))
		out, err = s.as(webUID, s.node.BusSocket(), "call", "org.quorate.Certificates1", "/org/quorate/Certificates1", "org.quorate.Certificates1", "Get", "s", key)
		must(t, wantf(err != nil, "Web Admin gets %s: %s", key, out))
	}
	s.told(journal.ChangeRefused, "quorate-web: UserAdd", "refused")
	s.held()
	t.Logf("M3.5 taken over: as quorate-web %d changes refused and told, %d reads without a secret, no key of another", changes, reads)
}

// method is one method of a service as its description has it.
type method struct {
	Name        string `xml:"name,attr"`
	Annotations []struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	} `xml:"annotation"`
	Args []struct {
		Type      string `xml:"type,attr"`
		Direction string `xml:"direction,attr"`
	} `xml:"arg"`
}

func methods(t *testing.T, name string) []method {
	t.Helper()
	data, err := config.Interface(name)
	must(t, err)
	var node struct {
		Interface struct {
			Methods []method `xml:"method"`
		} `xml:"interface"`
	}
	must(t, xml.Unmarshal(data, &node))
	return node.Interface.Methods
}

func (m method) access() string {
	for _, a := range m.Annotations {
		if a.Name == "org.quorate.Access" {
			return a.Value
		}
	}
	return "change"
}

func (m method) takesFile() bool {
	for _, a := range m.Args {
		if a.Direction == "in" && a.Type == "h" {
			return true
		}
	}
	return false
}

// zero is a call's signature with the least value of each argument.
func (m method) zero(t *testing.T) []string {
	t.Helper()
	least := map[string]string{"s": "evil", "b": "true", "t": "0", "ay": "0", "as": "0", "a{sv}": "0"}
	var signature string
	var values []string
	for _, a := range m.Args {
		if a.Direction != "in" {
			continue
		}
		value, known := least[a.Type]
		must(t, wantf(known, "%s has an argument of type %s", m.Name, a.Type))
		signature += a.Type
		values = append(values, value)
	}
	if signature == "" {
		return nil
	}
	return append([]string{signature}, values...)
}
