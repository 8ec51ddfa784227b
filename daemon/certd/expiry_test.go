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
		each := func(prints ...string) (f pki.Facts) {
			for i, p := range prints {
				f.Each = append(f.Each, pki.Dated{Subject: "CN=" + p, Fingerprint: p, NotAfter: end.Add(time.Duration(i) * 10 * 24 * time.Hour)})
			}
			return f
		}
		files := []store.File{
			{Name: "xmpp.cer", State: store.Ready, Facts: each("leaf", "root")},
			{Name: "bad.cer", State: store.Rejected, Facts: each("bad")},
			{Name: "xmpp.key", State: store.Ready},
		}
		var w expiryWatch
		type warning struct {
			Subject        string
			Mark, DaysLeft int
		}
		var got []warning
		for start := time.Now(); time.Since(start) < 100*24*time.Hour; {
			warn, rest := w.due(files, time.Now())
			for _, e := range warn {
				if e.file != "xmpp.cer" {
					t.Errorf("a warning about %s", e.file)
				}
				got = append(got, warning{e.cert.Subject, e.days, pki.DaysLeft(e.cert.NotAfter, time.Now())})
			}
			if rest <= 0 || rest > lookAgain {
				t.Fatalf("sleeps for %v", rest)
			}
			time.Sleep(rest) // the bubble's clock
		}
		want := []warning{{"CN=leaf", 60, 60}, {"CN=root", 60, 60}, {"CN=leaf", 30, 30}, {"CN=root", 30, 30}, {"CN=leaf", 14, 14},
			{"CN=leaf", 7, 7}, {"CN=root", 14, 14}, {"CN=leaf", 1, 1}, {"CN=leaf", 0, 0}, {"CN=root", 7, 7}, {"CN=root", 1, 1}, {"CN=root", 0, 0}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
	})
}

func TestExpiryStartsAnewForARenewal(t *testing.T) {
	var w expiryWatch
	file := store.File{Name: "xmpp.cer", State: store.Ready, Facts: pki.Facts{Each: []pki.Dated{{Fingerprint: "AA", NotAfter: pkitest.Now.Add(time.Hour)}}}}
	count := func() int { warn, _ := w.due([]store.File{file}, pkitest.Now); return len(warn) }
	if count() != 1 || count() != 0 {
		t.Error("not told once")
	}
	file.Facts.Each = []pki.Dated{{Fingerprint: "BB", NotAfter: pkitest.Now.AddDate(0, 0, 20)}}
	if count() != 1 || count() != 0 {
		t.Error("the renewal is not told once")
	}
}

func TestExpiryWords(t *testing.T) {
	var out bytes.Buffer
	s := &Service{log: slog.New(journal.Text(&out, slog.LevelInfo)), uses: store.Uses{Files: map[string][]string{"xmpp.cer": {"xmpp.certificate"}}}}
	for days, left := range map[int]time.Duration{14: 13*24*time.Hour + time.Hour, 1: time.Hour, 0: -time.Hour} {
		s.logExpiry(expiring{file: "xmpp.cer", cert: pki.Dated{NotAfter: pkitest.Now.Add(left)}, first: true, days: days}, pkitest.Now)
	}
	s.logExpiry(expiring{file: "xmpp.cer", cert: pki.Dated{Subject: "CN=Sub CA", NotAfter: pkitest.Now.Add(25 * time.Hour)}, days: 7}, pkitest.Now)
	for _, want := range []string{
		`level=WARN msg="xmpp.cer, in use by xmpp.certificate, expires in 13 days, on 2026-12-03 13:00:00"`,
		`level=WARN msg="xmpp.cer, in use by xmpp.certificate, expires in less than a day, on 2026-11-20 13:00:00"`,
		`level=WARN msg="CN=Sub CA in xmpp.cer, in use by xmpp.certificate, expires in 1 day, on 2026-11-21 13:00:00"`,
		`level=ERROR msg="xmpp.cer, in use by xmpp.certificate, expired on 2026-11-20 11:00:00"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the journal lacks %s:\n%s", want, out.String())
		}
	}
}
