package store

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/pkitest"
)

// rig is a store in temporary folders, whose files settle at once.
type rig struct {
	*Store
	t    *testing.T
	uses Uses
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, uses: Uses{Known: true}}
	r.open(filepath.Join(dir, "cert"), filepath.Join(dir, "exchange"))
	return r
}

func (r *rig) open(dir, exchange string) {
	r.t.Helper()
	s, err := Open(Config{Dir: dir, Exchange: exchange, Settle: time.Nanosecond, Now: func() time.Time { return pkitest.Now }})
	if err != nil {
		r.t.Fatal(err)
	}
	r.Store = s
}

// restart opens the same folders again, as after a crash.
func (r *rig) restart() { r.open(r.cfg.Dir, r.cfg.Exchange) }

func (r *rig) upload(name string, data []byte) {
	r.t.Helper()
	if err := os.WriteFile(r.outside(name), data, 0o640); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) scan() Report {
	r.t.Helper()
	report, err := r.Scan(r.t.Context(), r.uses)
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

// use configures a service of these files.
func (r *rig) use(key, cert, bundle, trust string) {
	r.uses.Files = map[string][]string{key: {"xmpp.key"}, cert: {"xmpp.certificate"}}
	if bundle != "" {
		r.uses.Files[bundle] = []string{"xmpp.bundle"}
	}
	r.uses.Services = []Service{{Key: key, Certificate: cert, Bundle: bundle}}
	if trust != "" {
		r.uses.Trust = []string{trust}
		r.uses.Files[trust] = append(r.uses.Files[trust], "cluster.trust")
	}
}

// lines is the list in short: name, state, and in parentheses the kind.
func (r *rig) lines() []string {
	var out []string
	for _, f := range r.List() {
		out = append(out, f.Name+" "+string(f.State)+" ("+string(f.Facts.Kind)+")")
	}
	return out
}

func (r *rig) wantLines(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.lines()); diff != "" {
		r.t.Errorf("list (-want +got):\n%s", diff)
	}
}

func (r *rig) reason(name string) string {
	for _, f := range r.List() {
		if f.Name == name && f.State != Ready {
			return f.Reason
		}
	}
	return ""
}

func (r *rig) exchange() []string {
	r.t.Helper()
	files, err := os.ReadDir(r.cfg.Exchange)
	if err != nil {
		r.t.Fatal(err)
	}
	names := []string{}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

// holds fails the test unless name is stored with that certificate.
func (r *rig) holds(name string, want *pkitest.Issued) {
	r.t.Helper()
	c, err := r.Read(name)
	if err != nil {
		r.t.Errorf("%s: %v", name, err)
	} else if len(c.Certificates) == 0 || !c.Certificates[0].Equal(want.Cert) {
		r.t.Errorf("%s is another certificate: %s", name, pki.Inspect(c).Subject)
	}
}

func wantFault(t *testing.T, err error, code fault.Code, text string) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		t.Errorf("got %s %v, want %s …%s…", fault.CodeOf(err), err, code, text)
	}
}

func TestScanTakesUploads(t *testing.T) {
	r := newRig(t)
	ca := pkitest.NewCA(t, "Lab CA")
	sub := ca.Sub(t, "Lab Sub")
	leaf := sub.Leaf(t, "meet.example")
	r.upload("xmpp.key", leaf.KeyPEM(t))
	r.upload("xmpp.cer", leaf.Cert.Raw) // DER
	r.upload("ca.pem", pkitest.Bundle(ca, sub))
	r.upload("notes.txt", []byte("not ours"))
	r.upload("backup.tar", nil)
	report := r.scan()
	if diff := cmp.Diff([]string{"ca.pem", "xmpp.cer", "xmpp.key"}, report.Changed); diff != "" {
		t.Error(diff)
	}
	r.wantLines("ca.pem ready (bundle)", "xmpp.cer ready (certificate)", "xmpp.key ready (key)")
	if !strings.Contains(report.Notes[0].Text, "order was repaired") {
		t.Errorf("the bundle's order is not told: %+v", report.Notes[0])
	}
	r.holds("ca.pem", sub)
	// The public files stay where people look for them, the key does not.
	if diff := cmp.Diff([]string{"backup.tar", "ca.pem", "notes.txt", "xmpp.cer"}, r.exchange()); diff != "" {
		t.Errorf("exchange folder (-want +got):\n%s", diff)
	}
	if again := r.scan(); len(again.Changed)+len(again.Notes)+len(again.Problems) > 0 {
		t.Errorf("a second scan finds news: %+v", again)
	}
	// Deleting the copy does not touch the store, and a restart changes nothing.
	os.Remove(r.outside("xmpp.cer"))
	r.restart()
	r.scan()
	r.holds("xmpp.cer", leaf)
}

func TestStoreModes(t *testing.T) {
	r := newRig(t)
	leaf := pkitest.SelfSigned(t, "meet.example")
	r.upload("xmpp.key", leaf.KeyPEM(t))
	r.scan()
	for path, want := range map[string]os.FileMode{r.blobDir(): 0o700 | os.ModeDir, r.indexPath(): 0o600, r.blobPath(r.index.Files["xmpp.key"].Blob): 0o600} {
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	f, err := r.OpenKey("xmpp.key")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write([]byte("x")); err == nil {
		t.Error("the descriptor of a key can be written to")
	}
	data, err := io.ReadAll(f)
	if err != nil || string(data) != string(leaf.KeyPEM(t)) {
		t.Errorf("the descriptor reads another key, %v", err)
	}
	r.upload("xmpp.cer", leaf.PEM())
	r.scan()
	_, err = r.OpenKey("xmpp.cer")
	wantFault(t, err, fault.InvalidArgument, "not a private key")
	_, err = r.OpenKey("../index.json")
	wantFault(t, err, fault.InvalidName, "not a name")
}

// What can not be taken in stays in the exchange folder and is listed with why.
func TestScanRefuses(t *testing.T) {
	leaf := pkitest.SelfSigned(t, "meet.example")
	cert := leaf.PEM()
	for name, c := range map[string]struct {
		data  []byte
		state State
		text  string
	}{
		"half.cer":          {cert[:len(cert)/2], Incomplete, "middle of a PEM block"},
		"empty.key":         {nil, Incomplete, "is empty"},
		"half.der":          {leaf.Cert.Raw[:99], Incomplete, "has 99 of"},
		"a.cer.filepart":    {cert, Incomplete, "upload has not ended"},
		"junk.cer":          {[]byte("junk"), Rejected, "neither PEM nor DER"},
		"my cert.cer":       {cert, Rejected, "not a name"},
		"wrong.key":         {cert, Rejected, "does not go with the ending .key"},
		"huge.cer":          {make([]byte, pki.MaxFile+1), Rejected, "larger than"},
		"both.pem":          {append(leaf.KeyPEM(t), cert...), Rejected, "two files"},
		"bad name.filepart": {nil, "", ""}, // not ours: no ending of a certificate file
	} {
		r := newRig(t)
		r.upload(name, c.data)
		report := r.scan()
		if c.state == "" {
			r.wantLines()
			continue
		}
		files := r.List()
		if len(files) != 1 || files[0].State != c.state || !strings.Contains(files[0].Reason, c.text) {
			t.Errorf("%s: listed as %+v", name, files)
		}
		if len(report.Problems) != 1 || len(report.Changed) != 0 {
			t.Errorf("%s: report %+v", name, report)
		}
		if again := r.scan(); len(again.Problems) != 0 {
			t.Errorf("%s: told twice", name)
		}
		if diff := cmp.Diff([]string{name}, r.exchange()); diff != "" {
			t.Errorf("%s: the file was touched:\n%s", name, diff)
		}
		if _, err := r.Remove(name, r.uses); err != nil || len(r.exchange()) != 0 || len(r.List()) != 0 {
			t.Errorf("%s can not be removed: %v", name, err)
		}
	}
}

func TestScanFollowsNoLink(t *testing.T) {
	r := newRig(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, pkitest.SelfSigned(t, "x").PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, r.outside("link.cer")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(r.outside("folder.cer"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.scan()
	r.wantLines()
}

// A file that is cut off is not waited for again and again.
func TestScanDoesNotWaitForCutFiles(t *testing.T) {
	r := newRig(t)
	r.upload("half.cer", pkitest.SelfSigned(t, "x").PEM()[:40])
	r.scan()
	if _, young, err := r.gather(); young || err != nil {
		t.Errorf("young %v, %v", young, err)
	}
}

// An upload that stops half-way, and WinSCP's way: nothing half-written is used.
func TestInterruptedUploads(t *testing.T) {
	r := newRig(t)
	leaf := pkitest.SelfSigned(t, "meet.example")
	whole := leaf.PEM()
	r.upload("xmpp.cer", whole[:50])
	r.scan()
	r.wantLines("xmpp.cer incomplete (certificate)")
	_, err := r.Read("xmpp.cer")
	wantFault(t, err, fault.Incomplete, "xmpp.cer is incomplete: the file ends in the middle")
	r.upload("xmpp.cer", whole)
	if report := r.scan(); !slices.Contains(report.Changed, "xmpp.cer") {
		t.Errorf("the rest of the upload is not seen: %+v", report)
	}
	r.wantLines("xmpp.cer ready (certificate)")

	renewed := pkitest.SelfSigned(t, "meet.example", pkitest.Key(leaf.Key))
	r.upload("xmpp.cer.filepart", renewed.PEM())
	r.scan()
	r.wantLines("xmpp.cer ready (certificate)", "xmpp.cer.filepart incomplete (certificate)")
	r.holds("xmpp.cer", leaf)
	if err := os.Rename(r.outside("xmpp.cer.filepart"), r.outside("xmpp.cer")); err != nil {
		t.Fatal(err)
	}
	r.scan()
	r.wantLines("xmpp.cer ready (certificate)")
	r.holds("xmpp.cer", renewed)

	// A renewal that stops half-way leaves what is stored alone.
	r.upload("xmpp.cer", whole[:50])
	r.scan()
	r.wantLines("xmpp.cer incomplete (certificate)", "xmpp.cer ready (certificate)")
	r.holds("xmpp.cer", renewed)
}
