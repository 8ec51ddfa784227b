package callbridge

import (
	"crypto/tls"
	"fmt"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// The states of the link.
const (
	NotConfigured = "not configured"
	Connecting    = "connecting"
	Connected     = "connected"
	Failed        = "failed"
)

// state is the link at one time, as a value.
type state struct {
	name   string // one of the above
	since  time.Time
	text   string
	why    *fault.Error // nil while all is well
	at     target       // of the link or of the last try
	remote string
	tls    string
	retry  time.Time
	tried  []bus.Attempt
}

// failure is the one form in which a failed link is told.
func failure(s *Setup, why *fault.Error) string {
	return fmt.Sprintf("connection to %q failed (%s): %s", s.Domain, why.Code.Title(), why.Message)
}

// beginning is the state before anything was tried.
func beginning(s *Setup) state {
	if s.Unread != nil {
		return state{name: Failed, text: s.Unread.Message, why: s.Unread}
	}
	if why := s.missing(); why != nil {
		return state{name: NotConfigured, text: why.Message, why: why}
	}
	if s.Fault != nil {
		return state{name: Failed, text: failure(s, s.Fault), why: s.Fault}
	}
	return state{name: Connecting, text: fmt.Sprintf("connecting to %q", s.Domain)}
}

func connected(l *link) state {
	return state{
		name: Connected, text: fmt.Sprintf("connected to %s (secure)", l.at), at: l.at,
		remote: l.conn.RemoteAddr().String(), tls: tls.VersionName(l.conn.ConnectionState().Version),
	}
}

// broken is a link that was lost and is being made anew.
func broken(s *Setup, at target, why *fault.Error) state {
	return state{name: Connecting, text: failure(s, why), why: why, at: at}
}

// failed is a round without success.
func failed(s *Setup, p *plan, at target, retry time.Time) state {
	why := p.telling()
	f := state{name: Failed, text: failure(s, why), why: why, at: at, retry: retry}
	for _, a := range p.attempts {
		if a.server.Target != "" {
			f.tried = append(f.tried, bus.Attempt{Server: address(a.server), Code: string(a.why.Code), Text: a.why.Message})
		}
	}
	return f
}

// status is the state as the bus shows it.
func (s *state) status(setup *Setup) bus.CallBridgeStatus {
	out := bus.CallBridgeStatus{
		Name: setup.Name, Domain: setup.Domain, Pinned: setup.Server, Address: setup.Address(),
		State: s.name, Since: s.since.Format(time.RFC3339), Text: s.text,
		Remote: s.remote, TLS: s.tls, Attempts: s.tried,
	}
	if s.at.host != "" {
		out.Server, out.Node = s.at.String(), s.at.host
	}
	if s.why != nil {
		out.Code, out.Remedy = string(s.why.Code), s.why.Remedy
	}
	if !s.retry.IsZero() {
		out.Retry = s.retry.Format(time.RFC3339)
	}
	return out
}
