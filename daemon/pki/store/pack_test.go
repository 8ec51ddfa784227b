package store

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/pkitest"
)

func TestPackAndUnpack(t *testing.T) {
	r := newRig(t)
	ca := pkitest.NewCA(t, "Lab CA")
	old := ca.Leaf(t, "meet.example")
	r.upload("xmpp.key", old.KeyPEM(t))
	r.upload("xmpp.cer", old.PEM())
	r.upload("ca.pem", ca.PEM())
	r.scan()
	packed, err := r.Pack()
	if err != nil {
		t.Fatal(err)
	}

	// The same store later: renewed, one file more, one less, and in use.
	r.use("xmpp.key", "xmpp.cer", "", "")
	renewed := ca.Leaf(t, "meet.example")
	r.upload("xmpp.key", renewed.KeyPEM(t))
	r.upload("xmpp.cer", renewed.PEM())
	r.upload("more.cer", ca.Leaf(t, "other.example").PEM())
	r.scan()
	if _, err := r.Remove("ca.pem", r.uses); err != nil {
		t.Fatal(err)
	}
	r.upload("xmpp.cer", old.PEM()[:50]) // an upload under way
	r.scan()
	u, err := r.Compare(packed)
	if diff := cmp.Diff(Unpacking{New: []string{"ca.pem"}, Changed: []string{"xmpp.cer", "xmpp.key"}, Kept: []string{"more.cer"}}, u); diff != "" || err != nil {
		t.Error(diff, err)
	}
	report, err := r.Unpack(packed)
	if diff := cmp.Diff([]string{"ca.pem", "xmpp.cer", "xmpp.key"}, report.Changed); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for range 2 {
		r.holds("xmpp.cer", old)
		r.wantLines("ca.pem ready (certificate)", "more.cer ready (certificate)", "xmpp.cer ready (certificate)", "xmpp.key ready (key)")
		if again := r.scan(); len(again.Changed)+len(again.Problems) > 0 { // what lies in the exchange folder must not undo it
			t.Errorf("a scan behind it finds news: %+v", again)
		}
		r.restart()
	}
	if diff := cmp.Diff([]string{"ca.pem", "more.cer", "xmpp.cer"}, r.exchange()); diff != "" {
		t.Error(diff)
	}
	if u, err := r.Compare(packed); err != nil || len(u.Same) != 3 {
		t.Errorf("unpacked: %+v, %v", u, err)
	}
}

func TestUnpackRefuses(t *testing.T) {
	r := newRig(t)
	leaf := pkitest.SelfSigned(t, "meet.example")
	for _, bad := range []Packed{{"../x.cer", leaf.PEM()}, {"x.cer", leaf.PEM()[:99]}, {"x.key", leaf.PEM()}} {
		_, err := r.Unpack([]Packed{{"a.cer", leaf.PEM()}, bad})
		if code := fault.CodeOf(err); code != fault.Incomplete && code != fault.InvalidName {
			t.Errorf("%s: %v", bad.Name, err)
		}
		r.wantLines()
	}
}

func TestClear(t *testing.T) {
	r := newRig(t)
	leaf := pkitest.SelfSigned(t, "meet.example")
	r.upload("xmpp.key", leaf.KeyPEM(t))
	r.upload("xmpp.cer", leaf.PEM())
	r.scan()
	r.upload("half.cer", leaf.PEM()[:50])
	r.upload("monday.quorate-backup", []byte("sealed"))
	r.scan()
	report, err := r.Clear()
	if diff := cmp.Diff([]string{"xmpp.cer", "xmpp.key"}, report.Changed); diff != "" || err != nil {
		t.Error(diff, err)
	}
	blobs, err := os.ReadDir(r.blobDir())
	if err != nil || len(blobs) > 0 || len(r.exchange()) > 0 {
		t.Errorf("left: %v and %v, %v", blobs, r.exchange(), err)
	}
	r.scan()
	r.wantLines()
	r.restart()
	r.wantLines()
}
