package im

import (
	"slices"
	"strings"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// NSPush qualifies requests for notices, and the notices (XEP-0357).
const NSPush = "urn:xmpp:push:0"

const (
	nsPubsub         = "http://jabber.org/protocol/pubsub"
	nsPublishOptions = nsPubsub + "#publish-options"
	maxOptions       = 4096 // bytes of the form that a notice is published with
)

// Target is a node of an app server that is given notice of an account's messages
// (XEP-0357 §5).
type Target struct {
	JID     string `json:"jid"` // prepared, of the app server
	Node    string `json:"node"`
	Options []byte `json:"options,omitempty"` // the form to publish with; nil for none
	Name    string `json:"name"`              // of this registration: a new one at the same node has another
}

// Register is a request about an account's targets.
type Register struct {
	Disable bool // the target, or without Node all at its address (§6)
	Target
}

// ReadRegister reads the request in the IQ raw; refused is the condition to answer
// with where it breaks a rule (XEP-0357 §5, §6, and the schema: what is enabled has
// a node, since nothing is published without).
func ReadRegister(raw []byte) (q Register, refused stanza.Condition) {
	p := payload(raw)
	q = Register{Disable: p.Is(NSPush, "disable"), Target: Target{Node: p.Get("node").String()}}
	if Attr(raw, "type") != "set" || !p.Get("jid").Present() || !q.Disable && (!p.Is(NSPush, "enable") || q.Node == "") {
		return q, stanza.BadRequest
	}
	j, err := jid.Parse(p.Get("jid").String())
	if err != nil {
		return q, stanza.JIDMalformed
	}
	q.JID = j.String()
	if !q.Disable {
		q.Options, refused = readOptions(p)
	}
	if len(q.Node) > MaxName || len(q.Options) > maxOptions {
		return q, stanza.NotAcceptable
	}
	return q, refused
}

// readOptions returns the form that notices are to be published with.
func readOptions(p xmlwire.View) (form []byte, refused stanza.Condition) {
	f, ok := stanza.ReadForm(p)
	switch {
	case !ok:
		return nil, ""
	case f.About != nsPublishOptions:
		return nil, stanza.BadRequest
	}
	f.Type = "submit" // which the examples leave out, and XEP-0004 §3.1 asks for
	return f.Append(nil), ""
}

// Enable has an account's messages noticed at a target, in place of what was
// registered for the same node before.
func (l Limits) Enable(u *User, t Target) (*User, Outcome) {
	n := u.fork()
	n.Targets = slices.DeleteFunc(slices.Clone(n.Targets), func(o Target) bool { return o.JID == t.JID && o.Node == t.Node })
	if len(n.Targets) >= l.Targets {
		return u, Outcome{Refused: stanza.ResourceConstraint, Limit: LimitTargets}
	}
	n.Targets = append(n.Targets, t)
	return n, Outcome{}
}

// Disable ends that for one node of an app server, or for all of them when none is
// named.
func Disable(u *User, jid, node string) *User {
	meant := func(t Target) bool { return t.JID == jid && (node == "" || t.Node == node) }
	if u == nil || !slices.ContainsFunc(u.Targets, meant) {
		return u
	}
	n := u.fork()
	n.Targets = slices.DeleteFunc(slices.Clone(n.Targets), meant)
	return n
}

// Noticed returns the targets of an account.
func (u *User) Noticed() []Target {
	if u == nil {
		return nil
	}
	return u.Targets
}

// AppendNotice appends the notice for a target (XEP-0357 §7): that there is a
// message, and nothing of whom it is from or what it says (§9). Its id begins with
// the name of the registration.
func (t Target) AppendNotice(dst []byte, from, id string) []byte {
	dst = append(dst, "<iq type='set'"...)
	dst = appendAttr(dst, "from", from)
	dst = appendAttr(dst, "to", t.JID)
	dst = appendAttr(dst, "id", t.Name+"-"+id)
	dst = append(dst, "><pubsub xmlns='"+nsPubsub+"'><publish"...)
	dst = appendAttr(dst, "node", t.Node)
	dst = append(dst, "><item><notification xmlns='"+NSPush+"'/></item></publish>"...)
	if len(t.Options) > 0 { // XEP-0060 §7.1.5
		dst = append(dst, "<publish-options>"...)
		dst = append(dst, t.Options...)
		dst = append(dst, "</publish-options>"...)
	}
	return append(dst, "</pubsub></iq>"...)
}

// NoticeRefused reads the error raw of an app server: the name of the registration
// that it ends, "" where it ends none (XEP-0357 §7.1). One that says to wait does
// not (RFC 6120 §8.3.2).
func NoticeRefused(raw []byte) (name string) {
	iq := xmlwire.Look(raw, nil)
	for c := range iq.Children() {
		if string(c.Name) == "error" && c.Get("type").Is("wait") {
			return ""
		}
	}
	name, _, _ = strings.Cut(iq.Get("id").String(), "-")
	return name
}
