package certd

import (
	"bytes"
	"strings"
	"testing"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/pkitest"
)

func TestSaveRestoreClear(t *testing.T) {
	r := newRig(t)
	leaf := pkitest.SelfSigned(t, "meet.example")
	r.upload("xmpp.key", leaf.KeyPEM(t))
	r.upload("xmpp.cer", leaf.PEM())
	data, err := r.certs.Save(r.ctx) // which looks at the uploads first
	if err != nil || !bytes.Contains(data, []byte("xmpp.key")) {
		t.Fatalf("%s, %v", data, err)
	}
	if err := r.certs.Clear(r.ctx); err != nil {
		t.Fatal(err)
	}
	if list, err := r.certs.List(r.ctx); err != nil || len(list) != 0 {
		t.Errorf("cleared: %+v, %v", list, err)
	}
	steps, err := r.certs.Restore(r.ctx, data, false)
	if err != nil || len(steps) != 1 || steps[0].Text != "new: xmpp.cer xmpp.key" {
		t.Errorf("%+v, %v", steps, err)
	}
	if list, err := r.certs.List(r.ctx); err != nil || len(list) != 0 {
		t.Errorf("the preview took in %+v, %v", list, err)
	}
	if _, err := r.certs.Restore(r.ctx, data, true); err != nil {
		t.Fatal(err)
	}
	r.find("xmpp.key", "ready")
	r.find("xmpp.cer", "ready")
	if err := r.certs.Match(r.ctx, "xmpp.key", "xmpp.cer"); err != nil {
		t.Error(err)
	}
	steps, err = r.certs.Restore(r.ctx, data, false)
	if err != nil || steps[0].Text != "the same: xmpp.cer xmpp.key" {
		t.Errorf("%+v, %v", steps, err)
	}
	_, err = r.certs.Restore(r.ctx, []byte("no"), true)
	r.wantFault(err, fault.Incomplete, "can not be read")
	if strings.Contains(r.log.String(), "PRIVATE KEY") {
		t.Error("the journal shows a key")
	}
}
