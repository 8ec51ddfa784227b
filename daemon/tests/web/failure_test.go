package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
	"quorate.org/daemon/internal/lab/labtest"
	"quorate.org/daemon/journal"
)

const (
	bridgeName = "front"
	bridgeSRV  = "srv-host=_xmpp-component._tcp." + lab.Domain
	elsewhere  = "elsewhere.example"
)

// promptly is how soon a mended link is there: after a change of the settings,
// or after the next try that was announced before the mending.
const promptly = 5 * time.Second

// lull is how long a name server is not asked again that was silent once, as one
// is that was stopped with a question in hand.
const lull = 6 * time.Second

// bridge is a Call Bridge on the spare node, connected to the cluster, and the
// places that tell of it.
type bridge struct {
	t    *testing.T
	lab  *lab.Lab
	node *lab.Node
	page *labtest.Site
}

// connectedBridge configures the spare node's Call Bridge as a person would and
// waits for its link. The zone is whole again when the test ends.
func connectedBridge(t *testing.T) *bridge {
	t.Helper()
	l := labtest.Cluster(t)
	b := &bridge{t: t, lab: l, node: l.Node("cb4")}
	b.zone(l.Zone()...)
	t.Cleanup(func() { b.undo("", l.SetZone(context.Background(), l.Zone()...)) })
	must(t, b.node.Put(t.Context(), "ca.cer", l.CA.PEM()))
	b.types("callbridge name " + bridgeName)
	b.types("callbridge domain " + lab.Domain)
	b.types("callbridge server none")
	b.types("callbridge trust ca.cer")
	b.secret(b.registered(bridgeName))
	b.awaits(bus.CallBridgeStatus{State: "connected"})
	b.page = labtest.Web(t, b.node, "operator")
	return b
}

// undo wants a clean-up done: the next test finds the cluster as it is left.
func (b *bridge) undo(_ string, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Error(err)
	}
}

// registered returns the secret of a call bridge of the cluster, which is added
// if need be.
func (b *bridge) registered(name string) string {
	b.t.Helper()
	member := b.lab.Members()[0]
	secrets, err := member.Secrets(b.t.Context())
	must(b.t, err)
	if secrets[name] == "" {
		typed(b.t, member, "xmpp callbridge add "+name)
		secrets, err = member.Secrets(b.t.Context())
		must(b.t, err)
	}
	return secrets[name]
}

func (b *bridge) types(command string, answers ...string) {
	b.t.Helper()
	typed(b.t, b.node, command, answers...)
}

func (b *bridge) secret(s string) { b.t.Helper(); b.types("callbridge secret", s, s) }

func (b *bridge) zone(lines ...string) {
	b.t.Helper()
	must(b.t, b.lab.SetZone(b.t.Context(), lines...))
}

// component is the zone with other SRV records for components.
func (b *bridge) component(records ...string) []string {
	rest := slices.DeleteFunc(b.lab.Zone(), func(line string) bool { return strings.HasPrefix(line, bridgeSRV) })
	return append(rest, records...)
}

// serverAt is the SRV record of one server.
func serverAt(host string, port int) string {
	return fmt.Sprintf("%s,%s,%d,0,0", bridgeSRV, host, port)
}

// awaits waits until the link is told like that: its state, its code, and what
// the text of want says are the same.
func (b *bridge) awaits(want bus.CallBridgeStatus) (got bus.CallBridgeStatus) {
	b.t.Helper()
	must(b.t, lab.Wait(b.t.Context(), 25*time.Second, "the link to be "+want.State+" "+want.Code, func() (err error) {
		got, err = b.node.Link(b.t.Context())
		same := got.State == want.State && got.Code == want.Code && strings.Contains(got.Text, want.Text)
		return orElse(err, wantf(same, "it is %s %s: %s", got.State, got.Code, got.Text))
	}))
	return got
}

// fails causes a fault and wants it told: with its code, with these words, and
// the same way everywhere. The remedy must say mend.
func (b *bridge) fails(class string, code fault.Code, words, mend string, cause func()) {
	b.t.Helper()
	began := time.Now()
	cause()
	s := b.awaits(bus.CallBridgeStatus{State: "failed", Code: string(code), Text: words})
	if !strings.Contains(s.Text, "("+code.Title()+")") || !strings.Contains(s.Remedy, mend) {
		b.t.Errorf("class %q or remedy %q is not in: %s; %s", code.Title(), mend, s.Text, s.Remedy)
	}
	b.tells(s, journal.LinkDown, began)
	b.shows("health", b.health(), s.Text, s.Remedy)
	b.shows("the faults of the Status page", labtest.Section(b.page.Get("/status"), "faults"), s.Text, s.Remedy)
	b.t.Logf("M3.2 %s: %s", class, s.Text)
	b.t.Logf("its remedy: %s", s.Remedy)
}

// connects mends the fault and wants the link, told everywhere, without a
// restart of anything.
func (b *bridge) connects(mend func()) {
	b.t.Helper()
	broken, err := b.node.Link(b.t.Context())
	must(b.t, err)
	began := time.Now()
	mend()
	mended := time.Now()
	s := b.soonConnected(mended)
	if !strings.HasPrefix(s.Text, "connected to ") || !strings.HasSuffix(s.Text, "(secure)") {
		b.t.Errorf("the link is told as %q", s.Text)
	}
	b.tells(s, journal.LinkUp, began)
	if health := b.health(); strings.Contains(health, broken.Text) {
		b.t.Errorf("health goes on telling: %s", health)
	}
	if faults := labtest.Section(b.page.Get("/status"), "faults"); strings.Contains(faults, broken.Text) {
		b.t.Errorf("the Status page goes on telling: %s", faults)
	}
	b.t.Logf("mended: %s after %v", s.Text, time.Since(mended).Round(10*time.Millisecond))
}

// soonConnected waits for the link: promptly after the mending, or after the
// third try that was announced for a time after the lull. What those before go by
// may have been asked for before the mending.
func (b *bridge) soonConnected(mended time.Time) bus.CallBridgeStatus {
	b.t.Helper()
	limit, last, tries := mended.Add(promptly), mended, 0
	for {
		s, err := b.node.Link(b.t.Context())
		must(b.t, err)
		if s.State == "connected" {
			return s
		}
		if next, err := time.Parse(time.RFC3339, s.Retry); err == nil && tries < 3 && next.After(last) {
			limit, last = next.Add(promptly+time.Second), next // the time is told in whole seconds
			if next.After(mended.Add(lull)) {
				tries++
			}
		}
		if now := time.Now(); now.After(limit) {
			b.t.Fatalf("%v after the mending the link is %s: %s; next try %s", now.Sub(mended), s.State, s.Text, s.Retry)
		}
	}
}

// tells wants a state in the same words from the command line, from the Status
// page, and since then in the journal.
func (b *bridge) tells(s bus.CallBridgeStatus, id journal.MessageID, since time.Time) {
	b.t.Helper()
	b.shows("callbridge", typed(b.t, b.node, "callbridge"), s.Text, s.Remedy)
	b.shows("the Status page", labtest.Section(b.page.Get("/status"), "bridge"), s.Text, s.Remedy)
	must(b.t, lab.Wait(b.t.Context(), 3*time.Second, "the journal to tell", func() error {
		entries, err := b.node.JournalText(b.t.Context(), "--output=cat", fmt.Sprintf("--since=@%d", since.Unix()),
			"SYSLOG_IDENTIFIER=callbridged", "MESSAGE_ID="+string(id))
		told := slices.Contains(strings.Split(entries, "\n"), s.Text)
		return orElse(err, wantf(told, "it has no %q, but %s", s.Text, entries))
	}))
}

func (b *bridge) shows(where, text string, words ...string) {
	b.t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			b.t.Errorf("%s does not say %q: %s", where, w, text)
		}
	}
}

// health is what the command says on the bridge's node; other faults may be
// there.
func (b *bridge) health() string { b.t.Helper(); return healthOf(b.t, b.node) }

func healthOf(t *testing.T, n *lab.Node) string {
	t.Helper()
	out, err := n.Exec(t.Context(), "health")
	if err != nil && !lab.Failed(err) {
		t.Fatal(err)
	}
	return out
}

// serverTells wants words in the health of some member: that of the server
// which was asked last.
func (b *bridge) serverTells(words ...string) {
	b.t.Helper()
	must(b.t, lab.Wait(b.t.Context(), 10*time.Second, "a server to tell of it", func() error {
		var all strings.Builder
		for _, n := range b.lab.Members() {
			out := healthOf(b.t, n)
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(out, w) }) {
				b.t.Logf("on the server: %s", lineOf(out, words[0]))
				return nil
			}
			all.WriteString(n.Name() + ": " + out)
		}
		return fmt.Errorf("none says %q: %s", words, all.String())
	}))
}

func lineOf(text, word string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

func typed(t *testing.T, n *lab.Node, command string, answers ...string) string {
	t.Helper()
	out, err := n.Exec(t.Context(), command, answers...)
	must(t, err)
	return out
}

// wantf returns nil when ok, and otherwise the error in words.
func wantf(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func TestM3_2_SRVMissing(t *testing.T) {
	b := connectedBridge(t)
	b.fails("SRV missing", fault.DNS, "there is no SRV record _xmpp-component._tcp."+lab.Domain, "dns check", func() {
		b.zone(b.component()...)
		b.types("callbridge restart")
	})
	b.connects(func() { b.zone(b.lab.Zone()...) })
}

// A wrong port meets nothing, another protocol, or another service over TLS.
func TestM3_2_WrongPortInSRV(t *testing.T) {
	b := connectedBridge(t)
	for _, tc := range []struct {
		port  int
		code  fault.Code
		words string
	}{
		{5299, fault.TCP, "refuses the connection"},
		{22, fault.TLS, "does not speak TLS"},
		{445, fault.TLS, "does not speak XMPP"},
	} {
		words := fmt.Sprintf("cb1.%[1]s:%[2]d (host and port are from the SRV record _xmpp-component._tcp.%[1]s) %[3]s", lab.Domain, tc.port, tc.words)
		b.fails("wrong port in SRV", tc.code, words, "SRV record", func() {
			b.zone(b.component(serverAt("cb1."+lab.Domain, tc.port))...)
			b.types("callbridge restart")
		})
	}
	b.connects(func() { b.zone(b.lab.Zone()...) })
}

func TestM3_2_TargetWithoutAddress(t *testing.T) {
	b := connectedBridge(t)
	words := "cb9." + lab.Domain + ", which the SRV record _xmpp-component._tcp." + lab.Domain + " names, has no address"
	b.fails("target without address", fault.DNS, words, "A or AAAA record for cb9."+lab.Domain, func() {
		b.zone(b.component(serverAt("cb9."+lab.Domain, 5223))...)
		b.types("callbridge restart")
	})
	b.connects(func() {
		b.zone(append(b.component(serverAt("cb9."+lab.Domain, 5223)), "host-record=cb9."+lab.Domain+","+b.lab.Node("cb2").Addr())...)
	})
}

// The only server is switched off, and on again.
func TestM3_2_TCPRefused(t *testing.T) {
	b := connectedBridge(t)
	server := b.lab.Node("cb2")
	b.zone(b.component(serverAt("cb2."+lab.Domain, 5223))...)
	b.types("callbridge restart")
	b.awaits(bus.CallBridgeStatus{State: "connected", Text: "cb2."})
	b.fails("TCP refused", fault.TCP, "cb2."+lab.Domain+":5223", "xmpp status", func() { typed(t, server, "xmpp disable") })
	b.connects(func() { typed(t, server, "xmpp enable") })
	must(t, b.lab.WaitHealthy(t.Context(), 20*time.Second))
}

func TestM3_2_TLSUntrusted(t *testing.T) {
	b := connectedBridge(t)
	other, err := lab.NewCA("Another CA")
	must(t, err)
	must(t, b.node.Put(t.Context(), "other.cer", other.PEM()))
	b.fails("TLS untrusted", fault.Trust, "is issued by CN=Lab CA, which is not trusted", "callbridge trust <file>", func() {
		b.types("callbridge trust other.cer")
	})
	b.connects(func() { b.types("callbridge trust ca.cer") })
}

// The SRV record names a server of another domain, whose certificate is in order
// but for the name.
func TestM3_2_NameMismatch(t *testing.T) {
	b := connectedBridge(t)
	cert, key, err := b.lab.CA.Issue(time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0), elsewhere)
	must(t, err)
	must(t, b.node.Put(t.Context(), "elsewhere.key", key))
	must(t, b.node.Put(t.Context(), "elsewhere.cer", cert))
	b.types("xmpp domain " + elsewhere)
	b.types("xmpp listen a")
	b.types("xmpp certs elsewhere.key elsewhere.cer")
	b.types("xmpp enable")
	t.Cleanup(func() { b.undo(b.node.Exec(context.Background(), "xmpp disable")) })
	words := "does not name " + lab.Domain + ": it names " + elsewhere + " only"
	b.fails("name mismatch", fault.CertificateName, words, "certificate that names "+lab.Domain, func() {
		b.zone(b.component(serverAt("cb4."+lab.Domain, 5223))...)
		b.types("callbridge restart")
	})
	b.connects(func() { b.zone(b.lab.Zone()...) })
}

// The bridge has a name that nobody registered, and then somebody does.
func TestM3_2_UnknownComponent(t *testing.T) {
	b := connectedBridge(t)
	secret := b.registered(bridgeName)
	b.fails("unknown component", fault.UnknownComponent, `knows no call bridge "stranger"`, "xmpp callbridge add stranger", func() {
		b.types("callbridge name stranger")
	})
	b.serverTells("call bridge stranger is unknown", "from "+b.node.Addr())
	member := b.lab.Members()[0]
	t.Cleanup(func() { b.undo(member.Exec(context.Background(), "xmpp callbridge del stranger")) })
	b.connects(func() { typed(t, member, "xmpp callbridge add-secret stranger", secret) })
}

func TestM3_2_WrongSecret(t *testing.T) {
	b := connectedBridge(t)
	b.fails("wrong secret", fault.WrongSecret, `does not accept the secret of call bridge "front"`, "callbridge secret", func() {
		b.secret("AAAAAAAAAAAAAAAAAAA")
	})
	b.serverTells("wrong secret for call bridge front", "from "+b.node.Addr())
	b.connects(func() { b.secret(b.registered(bridgeName)) })
}

// Two of three servers die; the third says why it signs nobody in.
func TestM3_2_NoQuorum(t *testing.T) {
	b := connectedBridge(t)
	dying := b.lab.Members()[1:]
	b.fails("no quorum", fault.NoQuorum, "no quorum: 1 of 3 voters reachable, 2 needed", "xmpp cluster status", func() {
		for _, n := range dying {
			must(t, n.Signal(t.Context(), "xmppd", syscall.SIGKILL))
		}
		b.refusedBy(b.lab.Members()[0])
		b.types("callbridge restart")
	})
	b.connects(func() {
		for _, n := range dying {
			must(t, n.Revive(t.Context(), "xmppd"))
		}
		must(t, b.lab.WaitHealthy(t.Context(), 20*time.Second))
	})
}

// refusedBy waits until a server signs nobody in: until the leader's lease ends,
// it does.
func (b *bridge) refusedBy(n *lab.Node) {
	b.t.Helper()
	secret := b.registered(n.Name())
	must(b.t, lab.Wait(b.t.Context(), 20*time.Second, n.Name()+" to sign nobody in", func() error {
		p, err := flow.Component(b.t.Context(), b.lab.Dial, n.Addr()+":5223", labtest.TLS(b.lab), n.Name()+"."+lab.Domain, secret)
		if err == nil {
			p.Close()
		}
		return wantf(err != nil && strings.Contains(err.Error(), "no quorum"), "a sign-in ends with %v", err)
	}))
}

// A pause that is too long for a person ends by a word.
func TestM3_2_RestartTriesAtOnce(t *testing.T) {
	b := connectedBridge(t)
	b.fails("long pause", fault.DNS, "no SRV record", "dns check", func() {
		b.zone(b.component()...)
		b.types("callbridge restart")
	})
	must(t, lab.Wait(t.Context(), 3*time.Minute, "a long pause", func() error {
		s, err := b.node.Link(b.t.Context())
		next, wrong := time.Parse(time.RFC3339, s.Retry)
		return orElse(err, wantf(wrong == nil && time.Until(next) > promptly+time.Second, "the next try is at %s", s.Retry))
	}))
	b.zone(b.lab.Zone()...)
	began := time.Now()
	b.types("callbridge restart")
	b.awaits(bus.CallBridgeStatus{State: "connected"})
	if took := time.Since(began); took > promptly {
		t.Errorf("the link took %v", took)
	}
}
