package certd

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"quorate.org/daemon/journal"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/store"
)

// lookAgain bounds the sleep between two looks at the validity of certificates:
// timers do not count while a machine is suspended, and its clock may be set.
const lookAgain = time.Hour

// expiryWatch remembers what was warned about, so that each certificate is
// warned about once a mark, and again after a restart. It belongs to Run's loop.
type expiryWatch struct {
	told map[string]int // file and the fingerprint of a certificate in it → last mark, in days
}

// expiring is one warning.
type expiring struct {
	file  string
	cert  pki.Dated
	first bool // of the file
	days  int  // the mark that was passed; 0 when expired
}

// due returns what has to be warned about now and how long nothing else will be.
func (w *expiryWatch) due(files []store.File, now time.Time) (warn []expiring, rest time.Duration) {
	told := map[string]int{}
	rest = lookAgain
	for _, e := range endings(files) {
		if at, ok := pki.NextMark(e.cert.NotAfter, now); ok {
			rest = min(rest, at.Sub(now))
		}
		var passed bool
		if e.days, passed = pki.ExpiryMark(e.cert.NotAfter, now); !passed {
			continue
		}
		id := e.file + " " + e.cert.Fingerprint
		if last, ok := w.told[id]; !ok || e.days < last {
			warn = append(warn, e)
		}
		told[id] = e.days
	}
	w.told = told
	return warn, rest
}

// endings are all certificates of the stored files: an intermediate or a root
// ends what it issued, and one in a trust file ends who is trusted by it.
func endings(files []store.File) []expiring {
	var list []expiring
	for _, f := range files {
		if f.State != store.Ready {
			continue
		}
		for i, c := range f.Facts.Each {
			list = append(list, expiring{file: f.Name, cert: c, first: i == 0})
		}
	}
	return list
}

// warnExpiry journals what is due and returns when to look again.
func (s *Service) warnExpiry() time.Duration {
	now := s.now()
	warn, rest := s.expiry.due(s.store.List(), now)
	for _, e := range warn {
		s.logExpiry(e, now)
	}
	return rest
}

func (s *Service) logExpiry(e expiring, now time.Time) {
	what := e.file
	if !e.first {
		what = e.cert.Subject + " in " + e.file
	}
	if keys := s.knownUses().Files[e.file]; len(keys) > 0 {
		what += ", in use by " + strings.Join(keys, ", ") + ","
	}
	end := e.cert.NotAfter.UTC().Format(time.DateTime)
	attrs := []any{slog.String("file", e.file), slog.Time("not_after", e.cert.NotAfter), slog.String("fingerprint", e.cert.Fingerprint)}
	if e.days == 0 {
		s.log.Error(fmt.Sprintf("%s expired on %s", what, end), append(attrs, journal.ID(journal.CertificateExpired))...)
		return
	}
	left := pki.DaysLeft(e.cert.NotAfter, now)
	s.log.Warn(fmt.Sprintf("%s expires in %s, on %s", what, days(left), end),
		append(attrs, slog.Int("days_left", left), journal.ID(journal.CertificateExpiring))...)
}

func days(n int) string {
	switch n {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}
