package sasl

import "quorate.org/daemon/jid"

// external is EXTERNAL (RFC 4422 appendix A) by a client certificate, as
// XEP-0178 §2 has it. Who checks the certificate is the caller; what it proves is
// in the Offer.
type external struct {
	cfg  Config
	name string
	who  jid.JID
}

func (x *external) username() string { return x.name }
func (x *external) account() jid.JID { return x.who }

// step takes the only message, the authorization identity or nothing.
func (x *external) step(authzid string) (string, bool, error) {
	x.name = authzid
	who, err := x.choose(authzid)
	if err != nil {
		return "", false, err
	}
	x.who, x.name = who, who.String()
	if err := x.cfg.admit(who); err != nil {
		return "", false, err
	}
	if _, known := x.cfg.Lookup(who); !known { // it was removed since the offer
		return "", false, &Failure{NotAuthorized, "unknown user"}
	}
	return "", true, nil
}

// choose finds the account that is meant. Where the certificate names several
// the client has to say which (XEP-0178 §2, 11b).
func (x *external) choose(authzid string) (jid.JID, error) {
	proved := x.cfg.Offer.Proved
	if authzid == "" && len(proved) == 1 {
		return proved[0], nil
	}
	for _, who := range proved {
		if authzid != "" && authorize(authzid, who) == nil {
			return who, nil
		}
	}
	if authzid == "" {
		return jid.JID{}, &Failure{InvalidAuthzid, "the certificate names several accounts and the client chose none"}
	}
	return jid.JID{}, &Failure{InvalidAuthzid, "the authorization identity is not one the certificate proves"}
}
