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
	told map[string]int // file and fingerprint → last mark, in days
}

// expiring is one warning.
type expiring struct {
	file store.File
	days int // the mark that was passed; 0 when expired
}

// due returns what has to be warned about now and how long nothing else will be.
func (w *expiryWatch) due(files []store.File, now time.Time) (warn []expiring, rest time.Duration) {
	told := map[string]int{}
	rest = lookAgain
	for _, f := range files {
		if f.State != store.Ready || f.Facts.NotAfter.IsZero() {
			continue
		}
		if at, ok := pki.NextMark(f.Facts.NotAfter, now); ok {
			rest = min(rest, at.Sub(now))
		}
		days, passed := pki.ExpiryMark(f.Facts.NotAfter, now)
		if !passed {
			continue
		}
		id := f.Name + " " + f.Facts.Fingerprint
		if last, ok := w.told[id]; !ok || days < last {
			warn = append(warn, expiring{f, days})
		}
		told[id] = days
	}
	w.told = told
	return warn, rest
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
	used := ""
	if keys := s.knownUses().Files[e.file.Name]; len(keys) > 0 {
		used = ", in use by " + strings.Join(keys, ", ") + ","
	}
	attrs := []any{slog.String("file", e.file.Name), slog.Time("not_after", e.file.Facts.NotAfter), slog.String("fingerprint", e.file.Facts.Fingerprint)}
	if e.days == 0 {
		s.log.Error(fmt.Sprintf("%s%s expired on %s", e.file.Name, used, e.file.Facts.NotAfter.UTC().Format(time.DateTime)),
			append(attrs, journal.ID(journal.CertificateExpired))...)
		return
	}
	left := pki.DaysLeft(e.file.Facts.NotAfter, now)
	s.log.Warn(fmt.Sprintf("%s%s expires in %s, on %s", e.file.Name, used, days(left), e.file.Facts.NotAfter.UTC().Format(time.DateTime)),
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
