package store

import (
	"fmt"
	"slices"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
)

// Question is a certificate that would take the place of the one this node
// shows to the members of its cluster. Only they know whether they trust it.
type Question struct {
	Key, File string // the key and the certificate file of the service
	Chain     string // PEM, leaf first, as it would be sent
}

// Answer is what the members said of it.
type Answer struct {
	Members bool   // there are any
	Refused error  // a *fault.Error: who refuses it and the way out
	Note    string // who could not be asked
}

// Answers are by the chain they are about.
type Answers map[string]Answer

// errAsking keeps a renewal in the exchange folder until there is an answer.
var errAsking = fault.Mend(fault.WrongState, "the members of the cluster are asked whether they accept it", "pki list")

// asking tells errAsking itself from other faults of its code.
func asking(err error) bool { return err == error(errAsking) }

// Shown returns the chain that s sends now, as PEM; "" while it can not.
func (s *Store) Shown(service Service) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return shown(service, s.view(), s.cfg.Now())
}

// shown returns the chain that s sends by a view.
func shown(s Service, files view, at time.Time) string {
	cert := files(s.Certificate)
	if cert == nil || len(cert.Certificates) == 0 {
		return ""
	}
	bundle := &pki.Contents{}
	if b := files(s.Bundle); b != nil {
		bundle = b
	}
	return string(pki.EncodeCertificates(pki.HandshakeChain(cert.Certificates, bundle.Certificates, at)))
}

// splits returns why the change would part this node from its cluster, or that
// its members have to be asked first (product rule 2.8).
func (p *planning) splits(s Service, next view) error {
	before, after := shown(s, p.now, p.at), shown(s, next, p.at)
	if !s.Peers || before == "" || after == "" || before == after {
		return nil
	}
	answer, asked := p.uses.Answers[after]
	switch {
	case !asked:
		p.ask = append(p.ask, Question{Key: s.Key, File: s.Certificate, Chain: after})
		return errAsking
	case answer.Refused != nil:
		return answer.Refused
	case answer.Members:
		if err := p.forgets(s, next); err != nil {
			return err
		}
	}
	p.notes[s.Certificate] = answer.Note // the last round is the one that counts
	return nil
}

// forgets refuses a certificate file that is also the trust file and would no
// longer hold the key in use: with a shared certificate that is the one the
// other members go on showing until they are renewed too.
func (p *planning) forgets(s Service, next view) error {
	if !slices.Contains(p.uses.Trust, s.Certificate) {
		return nil
	}
	old, trust := p.now(s.Certificate).Certificates, next(s.Certificate).Certificates
	t, err := pki.NewTrust(trust, nil)
	if err != nil {
		return err
	}
	if _, err := t.Accept(old, "", pki.Inspect(pki.Bundle(old)).Names, p.at); err != nil {
		return fault.Mend(fault.Trust,
			fmt.Sprintf("%s is also the trust file: without the certificate in use this node would refuse the members that still show it; %s, which is in use, is kept", s.Certificate, s.Certificate),
			WayOut(s.Key))
	}
	return nil
}

// WayOut is how a new key comes into a cluster that pins the old one.
func WayOut(key string) string {
	base, _ := pki.Split(key)
	return fmt.Sprintf("renew with the same key (pki csr %s keeps it), or first give every node a trust file that holds the new certificate "+
		"beside all that it holds now: xmpp cluster trust <bundle>", base)
}
