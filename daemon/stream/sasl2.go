package stream

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"regexp"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/sasl"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// request is what an <authenticate/> asks for beside its mechanism (XEP-0388
// §2.3); zero in the profile of RFC 6120.
type request struct {
	response *string // the initial response, nil if there is none
	agent    string  // the client's stable identifier, "" if it gave none that is one
	bind     bool    // resource binding (XEP-0386 §3.2)
	tag      string  // the client's part of the resource
	wish     Wish
	resume   *Resume // one that it had (XEP-0198 §7.2)
	badly    bool    // … asked for in a way that can not be read
}

// uuid is a version 4 UUID, which an identifier must be.
var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$`)

func requestOf(ev xmlwire.Event) (r request) {
	v := xmlwire.Look(ev.Raw, ev.Header)
	if response, ok := v.Child(nsSASL2, "initial-response"); ok {
		text := response.Text()
		r.response = &text
	}
	agent, _ := v.Child(nsSASL2, "user-agent")
	if id := agent.Get("id").String(); uuid.MatchString(id) {
		r.agent = id
	}
	bind, ok := v.Child(nsBind2, "bind")
	tag, _ := bind.Child(nsBind2, "tag")
	r.bind, r.tag = ok, tag.Text()
	_, r.wish.Carbons = bind.Child(nsCarbons, "enable")
	_, r.wish.Inactive = bind.Child(nsCSI, "inactive")
	if enable, ok := bind.Child(stanza.NSManagement, "enable"); ok {
		r.wish.Enable = enableOf(enable)
	}
	if resume, ok := v.Child(stanza.NSManagement, "resume"); ok {
		if r.resume, ok = resumeOf(resume); !ok {
			r.resume, r.badly = nil, true
		}
	}
	return r
}

// initial decodes the initial response. An empty element holds no bytes; "="
// has no meaning here (XEP-0388 §2.2).
func (r *request) initial() (data []byte, present bool, f *sasl.Failure) {
	if r.response == nil {
		return nil, false, nil
	}
	data, f = decode(*r.response)
	return data, f == nil, f
}

// authenticated goes on behind a proof in the profile of XEP-0388: the stream is
// not restarted, and a resource is bound before success is told.
func (m *Machine) authenticated(dst, proof []byte) ([]byte, Action) {
	if !m.from.IsZero() && m.from != m.account { // XEP-0388 §5.2
		return m.signInFailed(dst, &sasl.Failure{Condition: sasl.InvalidAuthzid, Reason: "the header's 'from' is not the account"})
	}
	m.self, m.proof, m.failed, m.enabled = stampsOf(m.account), proof, nil, nil
	if r := m.asked.resume; r != nil { // before anything else (XEP-0198 §7.2)
		m.state, m.previd = Granting, r.Token
		return dst, Action{Do: Resumption, Resume: r}
	}
	if m.asked.badly {
		m.failed = stanza.AppendFailed(nil, stanza.BadRequest, 0, false)
	}
	return m.goOn(dst)
}

// goOn binds a resource, if the sign-in asks for one.
func (m *Machine) goOn(dst []byte) ([]byte, Action) {
	if m.asked.bind {
		m.state = Granting
		return dst, Action{Do: Bind, Want: m.asked.resource(m.account, m.cfg.NewID), Wish: m.asked.wish}
	}
	m.state = SignedIn
	return m.offer(m.appendSuccess(dst, "")), Action{Do: Admit}
}

// maxTag bounds what of a resource is the client's choice.
const maxTag = 128

// resource makes the full JID to bind (XEP-0386 §3.2.1). The same installation of
// a client gets the same one for the same tag, so that its earlier session makes
// way by the rule of RFC 6120 §7.7.2.2; its identifier does not show.
func (r *request) resource(account jid.JID, newID func() string) jid.JID {
	own := newID()
	if r.agent != "" {
		sum := sha256.Sum256([]byte(account.String() + "\x00" + r.agent))
		own = base32.StdEncoding.EncodeToString(sum[:10])
	}
	if r.tag != "" && len(r.tag) <= maxTag {
		if full, err := account.WithResource(r.tag + "/" + own); err == nil {
			return full
		}
	}
	full, err := account.WithResource(own)
	if err != nil {
		panic("stream: an identifier that can be no resource: " + own) // letters and digits
	}
	return full
}

// boundInline completes what authenticated began.
func (m *Machine) boundInline(dst []byte) []byte {
	features := informative
	if len(m.enabled) == 0 {
		features += management
	}
	dst = m.appendSuccess(dst, m.boundElement())
	return append(dst, "<stream:features>"+features+"</stream:features>"...)
}

// notBound answers a sign-in whose resource could not be bound. All is as it was
// before the sign-in, and the client may try again.
func (m *Machine) notBound(dst []byte, reason error) ([]byte, Action) {
	m.state, m.self, m.proof, m.failed = Signing, stamps{}, nil, nil
	dst = m.appendFailure(dst, sasl.TemporaryAuthFailure)
	if m.binds++; m.binds < maxBinds {
		return dst, Action{Err: reason}
	}
	return m.fail(dst, violate(stanza.StreamPolicyViolation, "too many failed bindings"), reason)
}

// boundElement tells that a resource is bound (XEP-0386 §3.2), and managed if that
// was asked for (XEP-0198 §7.1).
func (m *Machine) boundElement() string {
	if len(m.enabled) == 0 {
		return "<bound xmlns='" + nsBind2 + "'/>"
	}
	return "<bound xmlns='" + nsBind2 + "'>" + string(m.enabled) + "</bound>"
}

// appendSuccess appends <success/> with the identity (XEP-0388 §2.6.1), what was
// not resumed, and what is resumed or bound.
func (m *Machine) appendSuccess(dst []byte, session string) []byte {
	dst = append(dst, "<success xmlns='"+nsSASL2+"'>"...)
	if len(m.proof) > 0 {
		dst = append(dst, "<additional-data>"...)
		dst = base64.StdEncoding.AppendEncode(dst, m.proof)
		dst = append(dst, "</additional-data>"...)
	}
	dst = append(dst, "<authorization-identifier>"...)
	dst = xmlwire.AppendEscaped(dst, m.self.full)
	dst = append(dst, "</authorization-identifier>"...)
	dst = append(append(dst, m.failed...), session...)
	m.proof, m.failed, m.enabled = nil, nil, nil
	return append(dst, "</success>"...)
}
