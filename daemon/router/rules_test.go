package router

import (
	"slices"
	"strings"
	"testing"
)

// The sessions behind the delivery rules. romeo has four: two of the highest
// priority, one negative, one not available.
func ruleClaims() map[NodeID][]Claim {
	prio := func(c Claim, p int8) Claim { c.Priority = p; return c }
	off := claim("b", 4, "romeo@d/off", 9)
	off.Available = false
	away := claim("c", 3, "away@d/x", 10)
	away.Available = false
	return map[NodeID][]Claim{
		"a": {claim("a", 1, "juliet@d/chamber", 1)},
		"b": {prio(claim("b", 1, "romeo@d/orchard", 2), 5), prio(claim("b", 2, "romeo@d/low", 3), 0),
			prio(claim("b", 3, "romeo@d/neg", 4), -1), off},
		"c": {prio(claim("c", 1, "romeo@d/balcony", 5), 5), claim("c", 2, "cb1.d", 6), away,
			prio(claim("c", 4, "shy@d/x", 11), -1)},
	}
}

// TestDeliveryRules has one row per case of RFC 6120 §10 and RFC 6121 §8.
func TestDeliveryRules(t *testing.T) {
	const (
		su      = "error service-unavailable"
		rsnf    = "error remote-server-not-found"
		ru      = "error recipient-unavailable"
		ignored = ""
	)
	tests := []struct {
		clause string // of RFC 6121 unless it says otherwise
		class  Class
		to     string
		want   string
	}{
		// §8.5.1: no such user.
		{"8.5.1", MessageNormal, "nobody@d", su},
		{"8.5.1", MessageChat, "nobody@d", su},
		{"8.5.1", MessageHeadline, "nobody@d", ignored},
		{"8.5.1", MessageError, "nobody@d", ignored},
		{"8.5.1", PresenceAvailable, "nobody@d", ignored},
		{"8.5.1", PresenceSubscription, "nobody@d", ignored},
		{"8.5.1", IQGet, "nobody@d", su},
		{"8.5.1", IQSet, "nobody@d", su},
		{"8.5.1", IQResult, "nobody@d", ignored},
		// §8.5.2.1: bare JID, with available resources.
		{"8.5.2.1.1", MessageNormal, "romeo@d", "romeo@d/balcony"}, // highest priority, bound last
		{"8.5.2.1.1", MessageChat, "romeo@d", "romeo@d/balcony"},
		{"8.5.2.1.1", MessageGroupchat, "romeo@d", su},
		{"8.5.2.1.1", MessageHeadline, "romeo@d", "romeo@d/orchard romeo@d/low romeo@d/balcony"}, // not the negative one
		{"8.5.2.1.1", MessageError, "romeo@d", ignored},
		{"8.5.2.1.2", PresenceAvailable, "romeo@d", "romeo@d/orchard romeo@d/low romeo@d/neg romeo@d/balcony"},
		{"8.5.2.1.2", PresenceUnavailable, "romeo@d", "romeo@d/orchard romeo@d/low romeo@d/neg romeo@d/balcony"},
		{"8.5.2.1.2", PresenceProbe, "romeo@d", ignored}, // the server's to answer
		{"8.5.2.1.2", PresenceError, "romeo@d", ignored},
		{"8.5.2.1.3", IQGet, "romeo@d", su}, // nobody is told about another's account
		{"8.5.2.1.3", IQSet, "romeo@d", su},
		{"8.5.2.1.3", IQResult, "romeo@d", ignored},
		{"8.5.2.1.3", IQError, "romeo@d", ignored},
		{"8.5.2.1.3", IQGet, "juliet@d", "result"}, // on behalf of the sender's own account
		// §8.5.2.2: bare JID, no resource that takes messages.
		{"8.5.2.2.1", MessageNormal, "away@d", su},
		{"8.5.2.2.1", MessageChat, "away@d", su},
		{"8.5.2.2.1", MessageGroupchat, "away@d", su},
		{"8.5.2.2.1", MessageHeadline, "away@d", ignored},
		{"8.5.2.2.1", MessageError, "away@d", ignored},
		{"8.5.2.2.1", MessageChat, "shy@d", su}, // only a negative priority
		{"8.5.2.2.1", MessageHeadline, "shy@d", ignored},
		{"8.5.2.2.2", PresenceAvailable, "away@d", ignored},
		{"8.5.2.2.2", PresenceSubscription, "away@d", ignored},
		{"8.5.2.1.2", PresenceAvailable, "shy@d", "shy@d/x"}, // presence knows no priority
		{"8.5.2.2.3", IQGet, "away@d", su},
		// §8.5.3.1: full JID, a resource matches, available or not.
		{"8.5.3.1", MessageNormal, "romeo@d/orchard", "romeo@d/orchard"},
		{"8.5.3.1", MessageChat, "romeo@d/neg", "romeo@d/neg"},
		{"8.5.3.1", MessageGroupchat, "romeo@d/off", "romeo@d/off"},
		{"8.5.3.1", MessageHeadline, "romeo@d/low", "romeo@d/low"},
		{"8.5.3.1", MessageError, "romeo@d/off", "romeo@d/off"},
		{"8.5.3.1", PresenceAvailable, "romeo@d/orchard", "romeo@d/orchard"},
		{"8.5.3.1", PresenceUnavailable, "romeo@d/off", "romeo@d/off"},
		{"8.5.3.1", IQGet, "romeo@d/orchard", "romeo@d/orchard"},
		{"8.5.3.1", IQSet, "romeo@d/off", "romeo@d/off"}, // of whom it shares presence with: forward.TestStrangersRequests
		{"8.5.3.1", IQResult, "romeo@d/orchard", "romeo@d/orchard"},
		{"8.5.3.1", IQError, "romeo@d/orchard", "romeo@d/orchard"},
		// §8.5.3.2: full JID, no resource matches.
		{"8.5.3.2.1", MessageNormal, "romeo@d/gone", su},
		{"8.5.3.2.1", MessageChat, "romeo@d/gone", "romeo@d/balcony"}, // as if to the bare JID
		{"8.5.3.2.1", MessageChat, "away@d/gone", su},
		{"8.5.3.2.1", MessageGroupchat, "romeo@d/gone", su},
		{"8.5.3.2.1", MessageHeadline, "romeo@d/gone", su},
		{"8.5.3.2.1", MessageError, "romeo@d/gone", ignored},
		{"8.5.3.2.2", PresenceAvailable, "romeo@d/gone", ignored},
		{"8.5.3.2.2", PresenceUnavailable, "romeo@d/gone", ignored},
		{"8.5.3.2.3", IQGet, "romeo@d/gone", su},
		{"8.5.3.2.3", IQSet, "romeo@d/gone", su},
		{"8.5.3.2.3", IQResult, "romeo@d/gone", ignored},
		{"8.5.3.2.3", IQError, "romeo@d/gone", ignored},
		// The server itself, with and without a resource.
		{"RFC 6120 §10.5.1", MessageNormal, "d", su},
		{"RFC 6120 §10.5.1", MessageHeadline, "d", ignored},
		{"RFC 6120 §10.5.1", PresenceAvailable, "d", ignored},
		{"RFC 6120 §10.5.1", IQGet, "d", "result"},
		{"RFC 6120 §10.5.2", IQGet, "d/some", su},
		{"RFC 6120 §10.5.2", MessageChat, "d/some", su},
		// No recipient; a message without one is given its sender's account by the edge.
		{"RFC 6120 §10.3.3", IQGet, "", "result"},
		{"RFC 6120 §10.3.3", IQSet, "", "result"},
		{"RFC 6120 §10.3.2", PresenceAvailable, "", ignored},
		{"RFC 6120 §10.3.2", PresenceUnavailable, "", ignored},
		// A component has all of its domain, whatever the type.
		{"XEP-0114", MessageNormal, "cb1.d", "cb1.d"},
		{"XEP-0114", MessageHeadline, "cb1.d", "cb1.d"},
		{"XEP-0114", MessageGroupchat, "room@cb1.d", "cb1.d"},
		{"XEP-0114", MessageError, "room@cb1.d/nick", "cb1.d"},
		{"XEP-0114", PresenceAvailable, "room@cb1.d/nick", "cb1.d"},
		{"XEP-0114", PresenceProbe, "cb1.d", "cb1.d"},
		{"XEP-0114", IQGet, "cb1.d/x", "cb1.d"},
		{"XEP-0114", IQResult, "room@cb1.d/nick", "cb1.d"},
		// A Call Bridge that is configured and not connected.
		{"RFC 6120 §8.3.3.13", MessageNormal, "cb2.d", ru},
		{"RFC 6120 §8.3.3.13", MessageGroupchat, "x@cb2.d", ru},
		{"RFC 6120 §8.3.3.13", IQSet, "x@cb2.d/r", ru},
		{"RFC 6120 §8.3.1", IQError, "cb2.d", ignored},
		{"RFC 6120 §8.3.1", PresenceAvailable, "cb2.d", ignored},
		// Domains that are not served here: there is no federation.
		{"RFC 6120 §10.4", MessageChat, "far.example", rsnf},
		{"RFC 6120 §10.4", IQGet, "x@far.example/r", rsnf},
		{"RFC 6120 §10.4", MessageNormal, "cb9.d", rsnf},
		{"RFC 6120 §10.4", MessageError, "far.example", ignored},
		{"RFC 6120 §10.4", PresenceSubscription, "x@far.example", ignored},
	}
	for _, test := range tests {
		name := test.clause + " class " + string('A'+rune(test.class)) + " to " + strings.ReplaceAll(test.to, "/", "|")
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.serve(1, ruleClaims())
			seq := r.frame(test.class, test.to)
			if got := r.outcome(seq); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// outcome plays owners that accept everything, and says who got the stanza or
// what the sender was told. The frame must be resolved, once.
func (r *rig) outcome(seq uint64) string {
	r.t.Helper()
	var got []string
	resolved := 0
	for len(r.sent) > 0 {
		out := r.sent
		r.sent = nil
		for _, p := range out {
			switch p.m.Type {
			case MsgDeliver:
				if raw := string(p.m.Frame.Raw); p.m.Sub == subReply {
					got = append(got, raw)
				} else {
					got = append(got, r.l.sessions[p.m.SID].JID)
				}
				r.from(p.to, Msg{Type: MsgAnswer, ID: p.m.Frame.ID, Sub: p.m.Sub, SID: p.m.SID})
			case MsgResolve:
				if p.m.ID.Seq == seq && p.to == "a" {
					resolved++
				}
			}
		}
	}
	if resolved != 1 {
		r.t.Errorf("resolved %d times", resolved)
	}
	slices.SortStableFunc(got, func(a, b string) int { return r.stampOf(a).Compare(r.stampOf(b)) })
	return strings.Join(got, " ")
}

func (r *rig) stampOf(jid string) Stamp {
	if s := r.l.full[jid]; s != nil {
		return s.Stamp
	}
	return Stamp{}
}

// TestOwnerRefuses: rule 7, an owner's word counts more than the directory.
func TestOwnerRefuses(t *testing.T) {
	orchard := SID{incOf("b"), 1}
	tests := []struct {
		name    string
		class   Class
		verdict Verdict
		want    string
	}{
		{"gone", MessageChat, Gone, "error service-unavailable"},
		{"gone, no answer to an error", MessageError, Gone, ""},
		{"full", MessageChat, Full, "error resource-constraint"},
		{"full, no answer to a result", IQResult, Full, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			r.serve(1, ruleClaims())
			seq := r.frame(test.class, "romeo@d/orchard")
			r.want("the stanza goes to its owner", "b DELIVER 1 to b1 s1")
			r.answer("b", seq, orchard, test.verdict)
			if got := r.outcome(seq); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if _, listed := r.l.Directory()["romeo@d/orchard"]; listed != (test.verdict == Full) {
				t.Errorf("still listed: %v", listed)
			}
		})
	}
}

// TestPresenceMovesMessages: what a client says of itself is in force for the
// next stanza, and goes into the next report.
func TestPresenceMovesMessages(t *testing.T) {
	r := newRig(t)
	r.serve(1, ruleClaims())
	r.seq++
	r.from("b", Msg{Type: MsgFrame, Frame: &Frame{ID: FrameID{incOf("b"), 1}, Low: 1, Lane: SID{incOf("b"), 4}, Class: PresenceAvailable, Present: 9}})
	r.take()
	if got := r.outcome(r.frame(MessageChat, "romeo@d")); got != "romeo@d/off" {
		t.Errorf("after priority 9 the message went to %q", got)
	}
	r.from("b", Msg{Type: MsgFrame, Frame: &Frame{ID: FrameID{incOf("b"), 2}, Low: 1, Lane: SID{incOf("b"), 4}, Class: PresenceUnavailable}})
	r.take()
	if got := r.outcome(r.frame(MessageChat, "romeo@d")); got != "romeo@d/balcony" {
		t.Errorf("after it went unavailable the message went to %q", got)
	}
}

func TestClassOf(t *testing.T) {
	tests := []struct {
		name, typ string
		want      Class
		ok        bool
	}{
		{"message", "", MessageNormal, true}, {"message", "normal", MessageNormal, true}, {"message", "odd", MessageNormal, true},
		{"message", "chat", MessageChat, true}, {"message", "groupchat", MessageGroupchat, true},
		{"message", "headline", MessageHeadline, true}, {"message", "error", MessageError, true},
		{"presence", "", PresenceAvailable, true}, {"presence", "unavailable", PresenceUnavailable, true},
		{"presence", "probe", PresenceProbe, true}, {"presence", "subscribe", PresenceSubscription, true},
		{"presence", "subscribed", PresenceSubscription, true}, {"presence", "unsubscribe", PresenceSubscription, true},
		{"presence", "unsubscribed", PresenceSubscription, true}, {"presence", "error", PresenceError, true},
		{"presence", "available", 0, false}, {"presence", "odd", 0, false},
		{"iq", "get", IQGet, true}, {"iq", "set", IQSet, true}, {"iq", "result", IQResult, true}, {"iq", "error", IQError, true},
		{"iq", "", 0, false}, {"iq", "odd", 0, false}, {"handshake", "", 0, false},
	}
	for _, test := range tests {
		if c, ok := ClassOf([]byte(test.name), []byte(test.typ)); c != test.want || ok != test.ok {
			t.Errorf("%s %q: class %d, %v; want %d, %v", test.name, test.typ, c, ok, test.want, test.ok)
		}
	}
	for c := MessageNormal; c <= IQError; c++ {
		answer := c != MessageError && !c.IsPresence() && c != IQResult && c != IQError
		if c.Answerable() != answer {
			t.Errorf("class %d is answerable: %v", c, !answer)
		}
		if c.IsMessage() && c.IsPresence() {
			t.Errorf("class %d is message and presence", c)
		}
	}
}
