package certd

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/internal/smalldisk"
	"quorate.org/daemon/pki/pkitest"
)

// On a full disk nothing new is taken, which is said in words, and what was taken
// is served as before; with room, the file that waited is taken.
func TestDiskFull(t *testing.T) {
	disk := smalldisk.Mount(t)
	r := newRigIn(t, disk)
	ca := pkitest.NewCA(t, "Lab CA")
	old := ca.Leaf(t, "meet.example")
	r.upload("xmpp.cer", old.PEM())
	r.find("xmpp.cer", "ready")
	empty := smalldisk.Fill(t, disk)
	_, err := r.certs.CSR(r.ctx, "next", []string{"CN:meet.example", "key:p256"})
	r.wantFault(err, fault.DiskFull, "no room left on the disk")
	_, err = r.certs.Upload(r.ctx, "xmpp.cer", ca.Leaf(t, "meet.example").PEM())
	r.wantFault(err, fault.DiskFull, "no room left on the disk")
	pem, err := r.certs.Get(r.ctx, "xmpp.cer")
	if diff := cmp.Diff(string(old.PEM()), string(pem)); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	empty()
	renewed := ca.Leaf(t, "meet.example")
	if _, err := r.certs.Upload(r.ctx, "xmpp.cer", renewed.PEM()); err != nil {
		t.Fatal(err)
	}
	pem, err = r.certs.Get(r.ctx, "xmpp.cer")
	if diff := cmp.Diff(string(renewed.PEM()), string(pem)); diff != "" || err != nil {
		t.Errorf("with room again: %v %s", err, diff)
	}
}
