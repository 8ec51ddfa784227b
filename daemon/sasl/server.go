package sasl

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/xdg-go/scram"

	"quorate.org/daemon/jid"
)

// Lookup returns the credentials of the account with that localpart, prepared
// as RFC 7622 §3.3 has it. Where there is no such account it returns false and
// may return a Decoy of the cluster; the zero Credentials make the Server use a
// decoy of this process.
type Lookup func(local string) (Credentials, bool)

// Server is the server's side of one exchange.
type Server struct {
	mech    mechanism
	domain  string
	lookup  Lookup
	binding Binding
	nonce   scram.NonceGeneratorFcn // nil: 24 random bytes

	conv    *scram.ServerConversation // nil before the first message
	account jid.JID                   // of the name given, zero if it can be no account's
	known   bool                      // lookup found it
}

// NewServer prepares an exchange by the named mechanism for accounts of domain,
// on a connection with that channel binding. A mechanism that Mechanisms does
// not list is a *Failure of InvalidMechanism.
func NewServer(mech, domain string, lookup Lookup, b Binding) (*Server, error) {
	m, ok := mechanismOf(mech)
	if !ok || m.plus && len(b.Types()) == 0 {
		return nil, &Failure{InvalidMechanism, "the mechanism is not on offer"}
	}
	return &Server{mech: m, domain: domain, lookup: lookup, binding: b}, nil
}

// Step takes the client's next message and returns the server's answer: a
// challenge, or with done the additional data of success. An error is always a
// *Failure and ends the exchange.
func (s *Server) Step(in []byte) (out []byte, done bool, err error) {
	if !utf8.Valid(in) {
		return nil, false, &Failure{MalformedRequest, "the message is not UTF-8"}
	}
	if s.conv == nil {
		out, err = s.first(string(in))
		return out, false, err
	}
	out, err = s.final(string(in))
	return out, err == nil, err
}

// Username returns the user name of the first message as the client sent it,
// proved or not; for the journal.
func (s *Server) Username() string {
	if s.conv == nil {
		return ""
	}
	return s.conv.Username()
}

// Account returns the bare JID that is signed in, once Step has returned done.
func (s *Server) Account() jid.JID { return s.account }

func (s *Server) first(in string) ([]byte, error) {
	channel, err := s.channel(in)
	if err != nil {
		return nil, err
	}
	if err := checkNonce(in); err != nil {
		return nil, err
	}
	if err := s.begin(channel); err != nil {
		return nil, err
	}
	out, err := s.conv.Step(in)
	if err != nil {
		return nil, failureOf(out)
	}
	if s.conv.Username() == "" {
		return nil, &Failure{MalformedRequest, "the user name is empty"} // RFC 5802 §5.1, n
	}
	return []byte(out), nil
}

// begin starts the conversation that computes the exchange.
func (s *Server) begin(channel scram.ChannelBinding) error {
	server, err := s.mech.hash.NewServer(s.stored)
	if err != nil {
		return &Failure{TemporaryAuthFailure, err.Error()}
	}
	if s.nonce != nil {
		server.WithNonceGenerator(s.nonce)
	}
	if s.mech.plus {
		s.conv = server.NewConversationWithChannelBindingRequired(channel)
	} else {
		s.conv = server.NewConversationWithChannelBinding(channel)
	}
	return nil
}

// stored finds the keys for a user name. An unknown one gets keys too, by the
// same steps, and fails where a wrong password does (RFC 6120 §6.5.10: the two
// are not to be told apart).
func (s *Server) stored(username string) (scram.StoredCredentials, error) {
	decoy := Decoy(ownKey(), username)
	found := Credentials{}
	if account, err := jid.New(username, s.domain, ""); err == nil {
		s.account = account
		found, s.known = s.lookup(account.Local())
	}
	keys := s.mech.keys(found)
	if len(keys.StoredKey) == 0 {
		s.known, keys = false, s.mech.keys(decoy)
	}
	return scram.StoredCredentials{
		KeyFactors: scram.KeyFactors{Salt: string(keys.Salt), Iters: keys.Iterations},
		StoredKey:  keys.StoredKey,
		ServerKey:  keys.ServerKey,
	}, nil
}

func (s *Server) final(in string) ([]byte, error) {
	if s.conv.Done() {
		return nil, &Failure{MalformedRequest, "the exchange is over"}
	}
	out, err := s.conv.Step(in)
	if err != nil {
		return nil, failureOf(out)
	}
	if !s.known {
		return nil, &Failure{NotAuthorized, "unknown user"}
	}
	return []byte(out), s.authorize(s.conv.AuthzID())
}

// authorize allows no identity but the account's own: nobody may act as another
// here, and the identity has to be a bare JID (RFC 6120 §6.3.8).
func (s *Server) authorize(authzid string) error {
	if authzid == "" {
		return nil
	}
	if asked, err := jid.Parse(authzid); err != nil || asked != s.account {
		return &Failure{InvalidAuthzid, "the authorization identity is not the account's own"}
	}
	return nil
}

// channel reads the channel binding flag of a client's first message and
// returns the binding that the exchange is judged by. Where the client names
// none it is any usable one, so that the flag "y", which claims that the server
// offers none, is recognised as a downgrade (RFC 5802 §6).
func (s *Server) channel(in string) (scram.ChannelBinding, error) {
	flag, _, _ := strings.Cut(in, ",")
	name, named := strings.CutPrefix(flag, "p=")
	if !named {
		for _, name := range s.binding.Types() {
			return channelOf(name, s.binding.data(name)), nil
		}
		return scram.ChannelBinding{}, nil
	}
	if !s.mech.plus {
		return scram.ChannelBinding{}, &Failure{MalformedRequest, "channel binding in a mechanism without it"}
	}
	data := s.binding.data(name)
	if data == nil {
		return scram.ChannelBinding{}, &Failure{NotAuthorized, "channel binding type not on offer"}
	}
	return channelOf(name, data), nil
}

func channelOf(name string, data []byte) scram.ChannelBinding {
	return scram.ChannelBinding{Type: scram.ChannelBindingType(name), Data: data}
}

// checkNonce wants a client nonce of one printable character or more (RFC 5802
// §7), which the library does not look at.
func checkNonce(in string) error {
	fields := strings.SplitN(in, ",", 5)
	if len(fields) < 4 {
		return &Failure{MalformedRequest, "too few attributes"}
	}
	nonce, ok := strings.CutPrefix(fields[3], "r=")
	printable := func(r rune) bool { return r > 0x20 && r < 0x7f }
	if !ok || nonce == "" || strings.IndexFunc(nonce, func(r rune) bool { return !printable(r) }) >= 0 {
		return &Failure{MalformedRequest, "no usable nonce"}
	}
	return nil
}

// failureOf maps a server-error-value (RFC 5802 §7, e=) of the library to a
// failure; what it could not parse has none.
func failureOf(e string) *Failure {
	switch e {
	case "", scram.ErrInvalidEncoding, scram.ErrInvalidUsernameEncoding:
		return &Failure{MalformedRequest, "the message does not parse"}
	}
	return &Failure{NotAuthorized, fmt.Sprintf("the exchange failed: %s", strings.TrimPrefix(e, "e="))}
}
