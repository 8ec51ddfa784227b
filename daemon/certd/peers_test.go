package certd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/pkitest"
	"quorate.org/daemon/pki/store"
)

var (
	accepts = bus.Step{Name: "cb2", OK: true, Text: "accepts it"}
	silent  = bus.Step{Name: "cb3", OK: true, Code: "TCP", Text: "does not answer; not asked"}
	refuses = bus.Step{Name: "cb2", Text: "would refuse it: its key is not in the trust file"}
)

// inUse sets a rig up whose XMPP service uses leaf.
func inUse(t *testing.T, leaf *pkitest.Issued, values map[string]any) *rig {
	t.Helper()
	r := newRig(t)
	r.upload("xmpp.key", leaf.KeyPEM(t))
	r.upload("xmpp.cer", leaf.PEM())
	r.find("xmpp.cer", "ready")
	all := map[string]any{"xmpp.key": "xmpp.key", "xmpp.certificate": "xmpp.cer"}
	for k, v := range values {
		all[k] = v
	}
	r.use("xmpp.cer", all)
	return r
}

// seal is a PKCS#12 file of a pair.
func seal(t *testing.T, i *pkitest.Issued) []byte {
	t.Helper()
	data, err := pki.Seal(&pki.Pair{Key: i.Key, Certificate: i.Cert}, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (r *rig) serves(want *pkitest.Issued) {
	r.t.Helper()
	if pem, err := r.certs.Get(r.ctx, "xmpp.cer"); err != nil || string(pem) != string(want.PEM()) {
		r.t.Errorf("another certificate is in use, or %v", err)
	}
}

// A renewal that a member would refuse stays outside, by whatever way it came,
// until the member says otherwise.
func TestRenewalRefusedByAMember(t *testing.T) {
	old, next := pkitest.SelfSigned(t, "meet.example"), pkitest.SelfSigned(t, "meet.example")
	r := inUse(t, old, map[string]any{"cluster.trust": "trust.cer"})
	members := r.members(refuses, silent)

	r.upload("xmpp.key", next.KeyPEM(t))
	r.upload("xmpp.cer", next.PEM())
	c := r.find("xmpp.cer", "rejected")
	want := "cb2 would refuse it: its key is not in the trust file; xmpp.cer, which is in use, is kept; " +
		"renew with the same key (pki csr xmpp keeps it), or first give every node a trust file that holds the new certificate beside all that it holds now: xmpp cluster trust <bundle>"
	if diff := cmp.Diff(want, c.Reason); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
	r.serves(old)
	if log := r.log.String(); !strings.Contains(log, "xmpp.cer is rejected: cb2 would refuse it") {
		t.Errorf("the journal does not tell:\n%s", log)
	}
	if diff := cmp.Diff(string(next.PEM()), members.asked[0]); diff != "" {
		t.Errorf("asked about something else:\n%s", diff)
	}

	r.upload("new.p12", seal(t, next))
	if _, err := r.certs.Import(r.ctx, "new.p12", "correct horse"); err != nil {
		t.Errorf("a name that nobody uses: %v", err)
	}
	if err := r.certs.Remove(r.ctx, "xmpp.key"); err != nil {
		t.Error(err)
	}
	if err := r.certs.Remove(r.ctx, "xmpp.cer"); err != nil {
		t.Error(err)
	}
	r.upload("xmpp.p12", seal(t, next))
	_, err := r.certs.Import(r.ctx, "xmpp.p12", "correct horse")
	r.wantFault(err, fault.Trust, "cb2 would refuse it")
	r.serves(old)

	members.say(nil, accepts, silent)
	if _, err := r.certs.Import(r.ctx, "xmpp.p12", "correct horse"); err != nil {
		t.Error(err)
	}
	r.serves(next)
	if c := r.find("xmpp.cer", "ready"); !strings.Contains(c.Reason, "cb3 did not answer") {
		t.Errorf("note %q", c.Reason)
	}
}

// Upload waits for the word of the members, and asks again when told to look.
func TestUploadAsksTheMembers(t *testing.T) {
	old := pkitest.SelfSigned(t, "meet.example")
	next := pkitest.SelfSigned(t, "meet.example", pkitest.Key(old.Key))
	r := inUse(t, old, nil)
	members := r.members(refuses)
	c, err := r.certs.Upload(r.ctx, "xmpp.cer", next.PEM())
	if err != nil || c.State != "rejected" || !strings.Contains(c.Reason, "cb2 would refuse it") {
		t.Errorf("%+v, %v", c, err)
	}
	members.say(fault.New(fault.Internal, "no idea"))
	if err := r.certs.Scan(r.ctx); err != nil {
		t.Error(err)
	}
	if c := r.find("xmpp.cer", "rejected"); !strings.Contains(c.Reason, "could not be asked whether they accept it (no idea)") {
		t.Errorf("reason %q", c.Reason)
	}
	r.serves(old)
	members.say(nil, accepts)
	if err := r.certs.Scan(r.ctx); err != nil {
		t.Error(err)
	}
	r.serves(next)
	r.find("xmpp.cer", "ready")
}

// Where no XMPP service runs, or no cluster is, nobody has to be asked.
func TestRenewalWithoutACluster(t *testing.T) {
	old, next, last := pkitest.SelfSigned(t, "meet.example"), pkitest.SelfSigned(t, "meet.example"), pkitest.SelfSigned(t, "meet.example")
	r := inUse(t, old, nil)
	r.upload("xmpp.p12", seal(t, next))
	if _, err := r.certs.Import(r.ctx, "xmpp.p12", "correct horse"); err != nil {
		t.Error(err)
	}
	r.serves(next)
	if c := r.find("xmpp.cer", "ready"); !strings.Contains(c.Reason, "were not asked: the XMPP service does not answer") {
		t.Errorf("note %q", c.Reason)
	}
	r.members()
	r.upload("xmpp.p12", seal(t, last))
	if _, err := r.certs.Import(r.ctx, "xmpp.p12", "correct horse"); err != nil {
		t.Error(err)
	}
	r.serves(last)
	if c := r.find("xmpp.cer", "ready"); c.Reason != "" {
		t.Errorf("note %q", c.Reason)
	}
}

func TestJudge(t *testing.T) {
	q := store.Question{Key: "xmpp.key", File: "xmpp.cer"}
	third := bus.Step{Name: "cb3", Text: refuses.Text}
	other := bus.Step{Name: "cb4", Text: "would refuse it: expired"}
	a := judge(q, []bus.Step{refuses, third, other}, nil)
	if a.Refused == nil || !strings.HasPrefix(a.Refused.Error(), "cb2 and cb3 would refuse it: its key is not in the trust file; cb4 would refuse it: expired; xmpp.cer") {
		t.Errorf("refused: %v", a.Refused)
	}
	if a := judge(q, []bus.Step{accepts, silent, {Name: "cb4", OK: true, Code: "Version", Text: "not asked: too old"}}, nil); a.Refused != nil || !strings.HasPrefix(a.Note, "cb3 and cb4 did not") {
		t.Errorf("%+v", a)
	}
	if a := judge(q, nil, nil); a.Members || a.Refused != nil || a.Note != "" {
		t.Errorf("no member: %+v", a)
	}
}

func TestUnlockOverTheBus(t *testing.T) {
	r := newRig(t)
	locked, err := os.ReadFile(filepath.Join("..", "pki", "testdata", "locked", "scrypt.key"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.certs.Upload(r.ctx, "web.key", locked)
	if err != nil || c.State != "waiting" || c.Kind != "key" || !strings.Contains(c.Reason, "pki unlock web.key") {
		t.Errorf("%+v, %v", c, err)
	}
	r.wantFault(r.certs.Unlock(r.ctx, "web.key", "battery staple"), fault.InvalidArgument, "does not open the private key, nothing was changed")
	if c := r.find("web.key", ""); c.State != "waiting" {
		t.Errorf("%+v", c)
	}
	if err := r.certs.Unlock(r.ctx, "web.key", "correct horse"); err != nil {
		t.Error(err)
	}
	r.find("web.key", "ready")
	if log := r.log.String(); strings.Contains(log, "horse") || strings.Contains(log, "staple") || !strings.Contains(log, "Unlock file=") {
		t.Errorf("journal:\n%s", log)
	}
	for _, bad := range []string{"../x.key", "a/b.key", "x.exe"} {
		_, err := r.certs.Upload(r.ctx, bad, locked)
		r.wantFault(err, fault.InvalidName, "not a name")
	}
	_, err = r.certs.Upload(r.ctx, "big.cer", make([]byte, pki.MaxFile+1))
	r.wantFault(err, fault.InvalidArgument, "larger than")
}

func TestEachServiceOpensItsOwnKey(t *testing.T) {
	leaf := pkitest.SelfSigned(t, "meet.example")
	r := inUse(t, leaf, map[string]any{"web.key": "web.key", "web.certificate": "web.cer"})
	r.upload("web.key", leaf.KeyPEM(t))
	r.find("web.key", "ready")
	open := func(user string, role bus.Role, file string) error {
		f, err := r.service.OpenKey(r.ctx, bus.Caller{User: user, Role: role}, file)
		if err == nil {
			f.Close()
		}
		return err
	}
	for _, c := range []struct {
		user, file string
		role       bus.Role
		ok         bool
	}{
		{"quorate-xmpp", "xmpp.key", bus.Service, true}, {"quorate-xmpp", "web.key", bus.Service, false},
		{"quorate-web", "web.key", bus.Service, true}, {"quorate-web", "xmpp.key", bus.Service, false},
		{"quorate-callbridge", "xmpp.key", bus.Service, false}, {"quorate-config", "web.key", bus.Service, false},
		{"quorate-callbridge", "", bus.Service, false}, {"root", "xmpp.key", bus.Root, true}, {"root", "web.key", bus.Root, true},
	} {
		err := open(c.user, c.role, c.file)
		if (err == nil) != c.ok || err != nil && fault.CodeOf(err) != fault.NotPermitted {
			t.Errorf("%s opens %q: %v", c.user, c.file, err)
		}
	}
	// The service may hear of a change before this one does.
	r.config.mu.Lock()
	r.config.values = map[string]any{"web.key": "xmpp.key", "web.certificate": "xmpp.cer"}
	r.config.mu.Unlock()
	if err := open("quorate-web", bus.Service, "xmpp.key"); err != nil {
		t.Errorf("after a change that was not signalled yet: %v", err)
	}
}

func TestFilesInUseByOtherServices(t *testing.T) {
	leaf := pkitest.SelfSigned(t, "cb1.meet.example")
	r := newRig(t)
	for name, data := range map[string][]byte{"web.key": leaf.KeyPEM(t), "web.cer": leaf.PEM(), "ca.cer": leaf.PEM(), "trust.cer": leaf.PEM()} {
		r.upload(name, data)
	}
	r.find("web.key", "ready")
	r.use("web.key", map[string]any{"web.key": "web.key", "web.certificate": "web.cer", "web.bundle": "ca.cer", "callbridge.trust": "trust.cer"})
	for name, setting := range map[string]string{"web.key": "web.key", "web.cer": "web.certificate", "ca.cer": "web.bundle", "trust.cer": "callbridge.trust"} {
		if diff := cmp.Diff([]string{setting}, r.find(name, "ready").UsedBy); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		r.wantFault(r.certs.Remove(r.ctx, name), fault.InUse, "in use by "+setting)
	}
	r.upload("web.cer", pkitest.SelfSigned(t, "cb1.meet.example").PEM())
	if c := r.find("web.cer", "rejected"); !strings.Contains(c.Reason, "does not belong") {
		t.Errorf("a certificate of another key: %+v", c)
	}
}

func TestGetAndInspect(t *testing.T) {
	r := newRig(t)
	if _, err := r.certs.CSR(r.ctx, "xmpp", []string{"CN:meet.example", "key:p256"}); err != nil {
		t.Fatal(err)
	}
	if pem, err := r.certs.Get(r.ctx, "xmpp.csr"); err != nil || !strings.HasPrefix(string(pem), "-----BEGIN CERTIFICATE REQUEST-----") {
		t.Errorf("%s, %v", pem, err)
	}
	ca := pkitest.NewCA(t, "Lab CA")
	sub, world := ca.Sub(t, "Sub CA"), publicCA(t).Leaf(t, "world.example")
	r.upload("bundle.cer", pkitest.Bundle(sub, sub.Leaf(t, "meet.example"), world))
	r.upload("ca.cer", ca.PEM())
	c, err := r.certs.Inspect(r.ctx, "bundle.cer")
	want := []string{
		"1: certificate CN=meet.example, until 2027-11-20, issued by 2",
		"2: intermediate CN=Sub CA, until 2027-11-20, issued by CN=Lab CA, which is in ca.cer",
		"3: certificate CN=world.example, until 2027-11-20, issued by CN=World CA, which is in the public CAs that clients know",
	}
	if diff := cmp.Diff(want, c.Chain); diff != "" || err != nil || !strings.Contains(c.Reason, "the order was repaired") {
		t.Errorf("(-want +got):\n%s%v, %q", diff, err, c.Reason)
	}
}

// A refusal is asked about again soon after it is forgotten; what nobody was
// asked about of late is not hurried for.
func TestAskAgain(t *testing.T) {
	refused := store.Answers{"a": {Members: true}, "b": {Refused: errors.New("no")}}
	for _, c := range []struct {
		answers store.Answers
		asked   time.Duration // ago
		soon    bool
	}{
		{refused, 0, true},
		{refused, 2 * remember, false},
		{store.Answers{"a": {Members: true}}, 0, false},
		{nil, 0, false},
	} {
		m := newMembers(nil)
		m.answers, m.asked = c.answers, time.Now().Add(-c.asked)
		got := m.askAgain(time.Hour)
		if soon := got <= remember+time.Second; soon != c.soon || got <= 0 {
			t.Errorf("%v, asked %v ago: look again in %v", c.answers, c.asked, got)
		}
	}
}
