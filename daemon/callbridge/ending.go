package callbridge

import (
	"errors"
	"fmt"
	"strings"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// refused puts in words why the server did not sign us in.
func (l *link) refused(err error) *fault.Error {
	var said *streamError
	var malformed *xmlwire.Error
	switch {
	case errors.As(err, &said):
		return l.said(said)
	case errors.As(err, &malformed):
		return l.notXMPP()
	case errors.Is(err, errSilent):
		return fault.Mend(fault.Timeout, l.at.origin()+" does not answer the sign-in", "look at the server: xmpp status there")
	}
	return fault.Mend(fault.Unavailable, l.at.origin()+" ends the connection without a word", "look at the server's log: syslog there")
}

func (l *link) notXMPP() *fault.Error {
	return fault.Mend(fault.Unavailable, "what answers at "+l.at.origin()+" does not speak XMPP to components", portRemedy(l.at))
}

// lost puts in words why a link is over.
func (l *link) lost(err error) *fault.Error {
	var said *streamError
	var malformed *xmlwire.Error
	switch {
	case errors.As(err, &said):
		return l.said(said)
	case errors.As(err, &malformed):
		return fault.New(fault.Unavailable, fmt.Sprintf("%s sent what is not XMPP: %s", l.at, malformed.Text))
	case errors.Is(err, errClosed):
		return fault.New(fault.Unavailable, l.at.String()+" closed the link")
	case errors.Is(err, errSilent):
		return fault.Mend(fault.TCP, l.at.String()+" does not answer any more", "look at that node: ping "+l.at.host)
	}
	return fault.Mend(fault.TCP, "the link to "+l.at.String()+" broke", "look at that node: ping "+l.at.host)
}

// said puts a stream error in words (RFC 6120 §4.9.3).
func (l *link) said(e *streamError) *fault.Error {
	name, _, _ := strings.Cut(l.self, ".")
	add := "correct the name: callbridge name <name>; or add it there, xmpp callbridge add " + name + ", and set its secret here: callbridge secret"
	switch e.condition {
	case stanza.StreamHostUnknown:
		return fault.Mend(fault.UnknownComponent, fmt.Sprintf("%s knows no call bridge %q", l.at, name), add)
	case stanza.StreamNotAuthorized:
		if l.alive { // its secret was right
			return fault.Mend(fault.UnknownComponent, fmt.Sprintf("call bridge %q was removed at %s", name, l.at), add)
		}
		return fault.Mend(fault.WrongSecret, fmt.Sprintf("%s does not accept the secret of call bridge %q", l.at, name),
			"compare it with xmpp callbridge list there, and set it here: callbridge secret")
	case stanza.StreamConflict:
		return fault.Mend(fault.Exists, fmt.Sprintf("another call bridge has signed in as %q", name),
			"give each call bridge a name of its own: callbridge name <name>")
	case stanza.StreamSystemShutdown:
		return fault.Mend(fault.Unavailable, l.at.String()+" is being stopped", "xmpp status there")
	}
	if why, ok := leaderless(e.text); ok {
		return fault.Mend(fault.NoQuorum, l.at.String()+" can not sign a call bridge in: "+why,
			"bring the missing nodes back: xmpp cluster status there")
	}
	text := e.condition
	if e.text != "" {
		text += ", " + e.text
	}
	return fault.Mend(fault.Unavailable, l.at.String()+" ended the stream: "+text, "look at the server's log: syslog there")
}

// leaderless reports whether a server says that it has no leader. RFC 6120 has
// no condition for that, so our server says it in the text.
func leaderless(text string) (string, bool) {
	return text, strings.HasPrefix(text, "no quorum") || strings.HasPrefix(text, "no leader")
}
