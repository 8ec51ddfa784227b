package sasl

import (
	"slices"
	"unicode/utf8"

	"quorate.org/daemon/jid"
)

// Lookup returns the credentials of an account, given as a bare JID. Where there
// is none it returns false. It should take as long for the one as for the other.
type Lookup func(account jid.JID) (Credentials, bool)

// Guard says whether an account, which need not exist, may be tried now. It may
// wait for that.
type Guard func(account jid.JID) bool

// Server is the server's side of one exchange.
type Server struct {
	exchange exchange
	over     bool
}

// exchange is what the mechanisms differ in. The messages are UTF-8.
type exchange interface {
	step(in string) (out string, done bool, err error)
	username() string // as the client sent it, "" before
	account() jid.JID // of that name, zero if it can be no account's
}

// Config is what exchanges of one stream have in common.
type Config struct {
	Domain string // of the accounts
	Lookup Lookup
	Decoys []byte // secret of the cluster: an account that does not exist looks the same on all nodes; nil: a secret of this process
	Guard  Guard  // nil: any account at any time
	Offer  Offer
}

// NewServer prepares an exchange by the named mechanism. One that is not offered
// is a *Failure of InvalidMechanism.
func NewServer(name string, c Config) (*Server, error) {
	if !slices.Contains(c.Offer.Mechanisms(), name) {
		return nil, &Failure{InvalidMechanism, "the mechanism is not on offer"}
	}
	if name == External {
		return &Server{exchange: &external{cfg: c}}, nil
	}
	m, _ := mechanismOf(name)
	return &Server{exchange: newScram(m, c)}, nil
}

// Step takes the client's next message and returns the server's answer: a
// challenge, or with done the additional data of success. An error is always a
// *Failure and ends the exchange.
func (s *Server) Step(in []byte) (out []byte, done bool, err error) {
	switch {
	case s.over:
		return nil, false, &Failure{MalformedRequest, "the exchange is over"}
	case !utf8.Valid(in):
		s.over = true
		return nil, false, &Failure{MalformedRequest, "the message is not UTF-8"}
	}
	answer, done, err := s.exchange.step(string(in))
	s.over = done || err != nil
	if err != nil {
		return nil, false, err
	}
	return []byte(answer), done, nil
}

// Username returns the user name of the first message as the client sent it,
// proved or not; for the journal.
func (s *Server) Username() string { return s.exchange.username() }

// Account returns the bare JID of the first message, zero if it can be no
// account's. It is signed in once Step has returned done.
func (s *Server) Account() jid.JID { return s.exchange.account() }

// authorize allows no identity but the account's own: nobody may act as another
// here, and the identity has to be a bare JID (RFC 6120 §6.3.8).
func authorize(authzid string, account jid.JID) error {
	if authzid == "" {
		return nil
	}
	if asked, err := jid.Parse(authzid); err != nil || asked != account {
		return &Failure{InvalidAuthzid, "the authorization identity is not the account's own"}
	}
	return nil
}

// tooMany is the answer to an account that the Guard holds back.
var tooMany = &Failure{TemporaryAuthFailure, "too many failed sign-ins of this account"}

// admit asks the Guard.
func (c *Config) admit(account jid.JID) error {
	if c.Guard != nil && !account.IsZero() && !c.Guard(account) {
		return tooMany
	}
	return nil
}
