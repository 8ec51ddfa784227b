package sasl

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"

	"quorate.org/daemon/jid"
)

// scramExchange is the server's side of SCRAM (RFC 5802 §5).
type scramExchange struct {
	mech     mechanism
	cfg      Config
	newNonce func() string // the server's part of the nonce, printable without comma
	protect  string        // the attribute "h" of the challenge, "" for none

	first     clientFirst // zero before the first message
	challenge string      // server-first-message
	nonce     string      // both parts
	who       jid.JID     // of the name given, zero if it can be no account's
	known     bool        // Lookup found it
	keys      Keys
}

func newScram(m mechanism, c Config) *scramExchange {
	return &scramExchange{mech: m, cfg: c, newNonce: rand.Text, protect: protection(m.hash, c.Offer.Mechanisms(), c.Offer.Binding.Types())}
}

func (s *scramExchange) username() string { return s.first.user }
func (s *scramExchange) account() jid.JID { return s.who }

func (s *scramExchange) step(in string) (string, bool, error) {
	if s.challenge == "" {
		out, err := s.begin(in)
		return out, false, err
	}
	out, err := s.finish(in)
	return out, err == nil, err
}

// begin answers the client-first-message. An unknown user gets the same answer by
// the same steps, and fails where a wrong password does (RFC 6120 §6.5.10: the
// two are not to be told apart).
func (s *scramExchange) begin(in string) (string, error) {
	first, err := parseFirst(in)
	if err != nil {
		return "", err
	}
	s.first = first
	if err := s.judgeBinding(); err != nil {
		return "", err
	}
	if err := s.find(); err != nil {
		return "", err
	}
	s.nonce = first.nonce + s.newNonce()
	s.challenge = "r=" + s.nonce +
		",s=" + base64.StdEncoding.EncodeToString(s.keys.Salt) +
		",i=" + strconv.Itoa(s.keys.Iterations)
	if s.protect != "" {
		s.challenge += ",h=" + s.protect
	}
	return s.challenge, nil
}

// find looks the account up. The decoy is made for each, so that its making tells
// nothing.
func (s *scramExchange) find() error {
	found, name, key := Credentials{}, s.first.user, s.cfg.Decoys
	if who, err := jid.New(s.first.user, s.cfg.Domain, ""); err == nil {
		s.who, name = who, who.String()
		found, s.known = s.cfg.Lookup(who)
	}
	if len(key) == 0 {
		key = ownKey()
	}
	decoy := s.mech.decoy(key, name)
	if s.keys = s.mech.keys(found); len(s.keys.StoredKey) == 0 {
		s.known, s.keys = false, decoy
	}
	return s.cfg.admit(s.who)
}

// judgeBinding holds the channel binding flag against mechanism and offer (RFC
// 5802 §6).
func (s *scramExchange) judgeBinding() error {
	name, bound := strings.CutPrefix(s.first.flag, "p=")
	switch {
	case bound && !s.mech.plus:
		return &Failure{MalformedRequest, "channel binding in a mechanism without it"}
	case bound && s.cfg.Offer.Binding.data(name) == nil:
		return &Failure{NotAuthorized, "channel binding type not on offer"}
	case !bound && s.mech.plus:
		return &Failure{NotAuthorized, "a mechanism with channel binding and none named"}
	case s.first.flag == "y" && len(s.cfg.Offer.Binding.Types()) > 0:
		return &Failure{NotAuthorized, "the client was shown no channel binding: a downgrade"}
	}
	return nil
}

// finish checks the client-final-message and proves the server to the client
// (RFC 5802 §3).
func (s *scramExchange) finish(in string) (string, error) {
	final, err := parseFinal(in)
	if err != nil {
		return "", err
	}
	if final.nonce != s.nonce || final.channel != s.first.header+s.bindingData() {
		return "", &Failure{NotAuthorized, "nonce or channel binding differ"}
	}
	message := s.first.bare + "," + s.challenge + "," + final.unproved
	clientKey := sign(s.mech.hash, s.keys.StoredKey, message)
	if len(final.proof) != len(clientKey) {
		return "", &Failure{NotAuthorized, "a proof of another hash"}
	}
	subtle.XORBytes(clientKey, clientKey, final.proof)
	sum := s.mech.hash()
	sum.Write(clientKey)
	proved := hmac.Equal(sum.Sum(nil), s.keys.StoredKey)
	signature := sign(s.mech.hash, s.keys.ServerKey, message)
	switch {
	case !s.known:
		return "", &Failure{NotAuthorized, "unknown user"}
	case !proved:
		return "", &Failure{NotAuthorized, "wrong password"}
	}
	return "v=" + base64.StdEncoding.EncodeToString(signature), authorize(s.first.authzid, s.who)
}

// bindingData is what the client has to have seen of the channel, behind the
// header of its first message.
func (s *scramExchange) bindingData() string {
	name, _ := strings.CutPrefix(s.first.flag, "p=")
	return string(s.cfg.Offer.Binding.data(name))
}
