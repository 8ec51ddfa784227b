package store

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/pkitest"
)

// A file that still grows when it is looked at is not used, even if what is
// there parses whole: here the first certificate of a bundle of two.
func TestScanWaitsUntilFilesSettle(t *testing.T) {
	dir := t.TempDir()
	ca := pkitest.NewCA(t, "Lab CA")
	leaf := ca.Leaf(t, "meet.example")
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(Config{Dir: dir + "/cert", Exchange: dir + "/exchange", Settle: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "exchange", "all.pem")
		if err := os.WriteFile(path, leaf.PEM(), 0o640); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(500*time.Millisecond, func() {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.Write(ca.PEM())
			}
			if err != nil {
				t.Error(err)
			}
			f.Close()
		})
		start := time.Now()
		if _, err := s.Scan(t.Context(), Uses{Known: true}); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("the scan took %v, not one settling time", waited)
		}
		if l := s.List(); len(l) != 1 || l[0].State != Incomplete {
			t.Errorf("while it is written: %+v", l)
		}
		if _, err := s.Scan(t.Context(), Uses{Known: true}); err != nil {
			t.Fatal(err)
		}
		if l := s.List(); len(l) != 1 || l[0].State != Ready || l[0].Facts.Count != 2 {
			t.Errorf("once it is whole: %+v", l)
		}
	})
}

// Wherever a change is cut off, the next start finds the old pair or the new
// one, and the upload is still there to be taken.
func TestCrashBetweenBlobAndIndex(t *testing.T) {
	r := newRig(t)
	old := pkitest.SelfSigned(t, "meet.example")
	r.upload("xmpp.key", old.KeyPEM(t))
	r.upload("xmpp.cer", old.PEM())
	r.scan()
	index, err := os.ReadFile(r.indexPath())
	if err != nil {
		t.Fatal(err)
	}
	next := pkitest.SelfSigned(t, "meet.example")
	r.upload("xmpp.key", next.KeyPEM(t))
	r.upload("xmpp.cer", next.PEM())
	// The power fails after the blobs and a half-written index.
	blob, err := r.writeBlob(next.KeyPEM(t))
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(r.cfg.Dir, atomicfile.Prefix+"123")
	if err := os.WriteFile(half, index[:len(index)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	r.restart()
	r.holds("xmpp.cer", old)
	for _, path := range []string{half, r.blobPath(blob)} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s was left behind", path)
		}
	}
	r.scan()
	r.holds("xmpp.cer", next)
	// And after the index, before the key left the exchange folder.
	r.upload("xmpp.key", next.KeyPEM(t))
	r.restart()
	r.scan()
	if _, err := os.Lstat(r.outside("xmpp.key")); err == nil {
		t.Error("the key stays in the exchange folder")
	}
}

func TestDamagedBlobIsToldNotUsed(t *testing.T) {
	r := newRig(t)
	leaf := pkitest.SelfSigned(t, "meet.example")
	r.upload("xmpp.cer", leaf.PEM())
	r.scan()
	path := r.blobPath(r.index.Files["xmpp.cer"].Blob)
	if err := os.WriteFile(path, bytes.ToUpper(leaf.PEM()), 0o600); err != nil {
		t.Fatal(err)
	}
	if l := r.List(); len(l) != 1 || l[0].State != Rejected {
		t.Errorf("listed as %+v", l)
	}
	os.Remove(r.outside("xmpp.cer"))
	r.upload("xmpp.cer", append(leaf.PEM(), '\n'))
	r.scan()
	r.holds("xmpp.cer", leaf)
}

func TestOpenRefusesForeignIndex(t *testing.T) {
	dir := t.TempDir()
	for text, why := range map[string]string{"{": "broken", `{"version":9}`: "newer"} {
		if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Dir: dir, Exchange: filepath.Join(dir, "x")}); err == nil {
			t.Errorf("a %s index is taken for an empty one", why)
		}
	}
}

// FuzzUpload puts any bytes under a used name: what was stored stays usable.
func FuzzUpload(f *testing.F) {
	leaf := pkitest.SelfSigned(f, "meet.example")
	key, cert := leaf.KeyPEM(f), leaf.PEM()
	f.Add(cert[:100], "xmpp.cer")
	f.Add(key, "xmpp.key")
	f.Add(pkitest.SelfSigned(f, "other").PEM(), "xmpp.cer")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		if pki.CheckName(name) != nil {
			return
		}
		r := newRig(t)
		r.upload("xmpp.key", key)
		r.upload("xmpp.cer", cert)
		r.scan()
		r.use("xmpp.key", "xmpp.cer", "", "")
		r.upload(name, data)
		r.scan()
		if err := works(r.uses.Services[0], r.view(), pkitest.Now); err != nil {
			t.Fatalf("after %q as %s: %v", data, name, err)
		}
	})
}
