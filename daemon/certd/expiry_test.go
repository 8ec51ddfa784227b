package certd

import (
	"bytes"
	"crypto"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/journal"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/pkitest"
	"quorate.org/daemon/pki/store"
)

func parseKey(t *testing.T, data []byte) crypto.Signer {
	t.Helper()
	key, err := pki.ParseKey(data)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Over a hundred days a certificate is warned about at each mark, once, however
// often it is looked at.
func TestExpiryIsToldAtEachMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(80 * 24 * time.Hour)
		files := []store.File{
			{Name: "xmpp.cer", State: store.Ready, Facts: pki.Facts{Fingerprint: "AA", NotAfter: end}},
			{Name: "bad.cer", State: store.Rejected, Facts: pki.Facts{Fingerprint: "BB", NotAfter: end}},
			{Name: "xmpp.key", State: store.Ready},
		}
		var w expiryWatch
		type warning struct{ Mark, DaysLeft int }
		var got []warning
		for start := time.Now(); time.Since(start) < 100*24*time.Hour; {
			warn, rest := w.due(files, time.Now())
			for _, e := range warn {
				if e.file.Name != "xmpp.cer" {
					t.Errorf("a warning about %s", e.file.Name)
				}
				got = append(got, warning{e.days, pki.DaysLeft(end, time.Now())})
			}
			if rest <= 0 || rest > lookAgain {
				t.Fatalf("sleeps for %v", rest)
			}
			time.Sleep(rest) // the bubble's clock
		}
		want := []warning{{60, 60}, {30, 30}, {14, 14}, {7, 7}, {1, 1}, {0, 0}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
	})
}

func TestExpiryStartsAnewForARenewal(t *testing.T) {
	var w expiryWatch
	file := store.File{Name: "xmpp.cer", State: store.Ready, Facts: pki.Facts{Fingerprint: "AA", NotAfter: pkitest.Now.Add(time.Hour)}}
	count := func() int { warn, _ := w.due([]store.File{file}, pkitest.Now); return len(warn) }
	if count() != 1 || count() != 0 {
		t.Error("not told once")
	}
	file.Facts.Fingerprint, file.Facts.NotAfter = "BB", pkitest.Now.AddDate(0, 0, 20)
	if count() != 1 || count() != 0 {
		t.Error("the renewal is not told once")
	}
}

func TestExpiryWords(t *testing.T) {
	var out bytes.Buffer
	s := &Service{log: slog.New(journal.Text(&out, slog.LevelInfo)), uses: store.Uses{Files: map[string][]string{"xmpp.cer": {"xmpp.certificate"}}}}
	for days, left := range map[int]time.Duration{14: 13*24*time.Hour + time.Hour, 1: time.Hour, 0: -time.Hour} {
		s.logExpiry(expiring{store.File{Name: "xmpp.cer", Facts: pki.Facts{NotAfter: pkitest.Now.Add(left)}}, days}, pkitest.Now)
	}
	for _, want := range []string{
		`level=WARN msg="xmpp.cer, in use by xmpp.certificate, expires in 13 days, on 2026-12-03 13:00:00"`,
		`level=WARN msg="xmpp.cer, in use by xmpp.certificate, expires in less than a day, on 2026-11-20 13:00:00"`,
		`level=ERROR msg="xmpp.cer, in use by xmpp.certificate, expired on 2026-11-20 11:00:00"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the journal lacks %s:\n%s", want, out.String())
		}
	}
}
