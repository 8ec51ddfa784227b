package bus_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
)

func TestCertificatesEveryMethod(t *testing.T) {
	bustest.Start(t)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("KEY"), 0o600); err != nil {
		t.Fatal(err)
	}
	object, err := dial(t).ServeCertificates(&fakeCertificates{key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, ctx := dial(t).Certificates(), t.Context()
	ticks, err := c.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f, err := c.OpenKey(ctx, "xmpp.key")
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(f); err != nil || string(text) != "KEY" {
			t.Errorf("OpenKey: %v, %q", err, text)
		}
		f.Close()
	}
	if got, err := c.Save(ctx); err != nil || string(got) != `{"certificates":"KEY"}` {
		t.Errorf("Save: %v, %s", err, got)
	}
	if got, err := c.Restore(ctx, []byte("what was saved"), true); err != nil || len(got) != 1 || got[0].Name != "what was saved" || !got[0].OK {
		t.Errorf("Restore: %v, %+v", err, got)
	}
	if got, err := c.List(ctx); err != nil || len(got) != 1 || got[0].UsedBy[0] != "xmpp.certificate" {
		t.Errorf("List: %v, %+v", err, got)
	}
	if got, err := c.CSR(ctx, "xmpp", []string{"CN:a"}); err != nil || !cmp.Equal(got, []string{"xmpp", "CN:a"}) {
		t.Errorf("CSR: %v, %v", err, got)
	}
	if got, err := c.Inspect(ctx, "a.cer"); err != nil || got.File != "a.cer" || got.DaysLeft != 12 {
		t.Errorf("Inspect: %v, %+v", err, got)
	}
	if got, err := c.Get(ctx, "a.cer"); err != nil || string(got) != "PEM" {
		t.Errorf("Get: %v, %s", err, got)
	}
	if got, err := c.Export(ctx, "xmpp", "pass"); err != nil || got != "xmpp.p12" {
		t.Errorf("Export: %v, %s", err, got)
	}
	if got, err := c.Check(ctx, "k", "c", "b", "d"); err != nil || len(got) != 1 {
		t.Errorf("Check: %v, %v", err, got)
	}
	if err := c.Match(ctx, "k", "c"); fault.CodeOf(err) != fault.KeyMismatch {
		t.Errorf("Match: %v", err)
	}
	_, selfSigned := c.SelfSigned(ctx, "a", nil)
	_, imported := c.Import(ctx, "a.p12", "pass")
	_, trust := c.CheckTrust(ctx, "ca.cer")
	for _, err := range []error{selfSigned, imported, trust, c.Verify(ctx, "a", "b", ""), c.Remove(ctx, "a"), c.Scan(ctx), object.Changed(nil)} {
		if err != nil {
			t.Error(err)
		}
	}
	<-ticks
}
