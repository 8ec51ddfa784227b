package certd

import (
	"log/slog"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/pki/store"
)

// tell journals a report and signals what changed.
func (s *Service) tell(r store.Report) {
	for _, n := range r.Notes {
		text := n.File + " was taken into the store"
		if n.Renewed {
			text = n.File + " was renewed in the store"
		}
		if n.Text != "" {
			text += ": " + n.Text
		}
		s.log.Info(text, slog.String("file", n.File), journal.ID(journal.CertificateAccepted))
	}
	for _, p := range r.Problems {
		s.tellProblem(p)
	}
	s.changed(r.Changed)
}

func (s *Service) tellProblem(p store.Problem) {
	attrs := []any{slog.String("file", p.File), slog.String("fault", string(fault.CodeOf(p.Reason)))}
	text := p.File + " is " + string(p.State) + ": " + p.Reason.Error()
	if p.State == store.Rejected {
		s.log.Warn(text, append(attrs, journal.ID(journal.CertificateRejected))...)
		return
	}
	s.log.Info(text, attrs...) // an upload in progress, or a PKCS#12 file
}
