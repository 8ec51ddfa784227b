package im

// State is a subscription as one side's roster has it (RFC 6121 appendix A.1):
// the nine states are combinations of the first four bits, with To never beside
// PendingOut and From never beside PendingIn.
type State uint8

// The parts of a state, from the roster owner's point of view.
const (
	To         State = 1 << iota // subscribed to the contact's presence
	From                         // the contact is subscribed to the owner's
	PendingOut                   // asked, not answered
	PendingIn                    // was asked, has not answered
	Approved                     // pre-approval (§3.4), beside any state without From

	None State = 0
	Both       = To | From
)

// Type is the type of a subscription stanza; the zero Type is none.
type Type uint8

// The types.
const (
	Subscribe Type = iota + 1
	Subscribed
	Unsubscribe
	Unsubscribed
)

var typeNames = [...]string{"", "subscribe", "subscribed", "unsubscribe", "unsubscribed"}

// TypeOf returns the Type of a presence's type attribute, 0 for another.
func TypeOf(name string) Type {
	for t := Subscribe; t <= Unsubscribed; t++ {
		if typeNames[t] == name {
			return t
		}
	}
	return 0
}

// String returns the value of the type attribute.
func (t Type) String() string { return typeNames[t] }

// Outbound is what the owner's own stanza does (appendix A.2): the next state,
// and whether the stanza goes on to the contact.
func (s State) Outbound(t Type) (next State, route bool) {
	switch t {
	case Subscribe: // table 2
		if s&To == 0 {
			s |= PendingOut
		}
		return s, true
	case Unsubscribe: // table 3
		return s &^ (To | PendingOut), true
	case Subscribed: // table 4
		switch {
		case s&PendingIn != 0:
			return s&^PendingIn | From, true
		case s&From == 0: // §3.4.2
			return s | Approved, false
		}
		return s, false
	case Unsubscribed: // table 5; §3.2.2 rule 2 ends a pre-approval silently
		return s &^ (From | PendingIn | Approved), s&(From|PendingIn) != 0
	}
	return s, false
}

// Inbound is what the contact's stanza does (appendix A.3): the next state,
// whether the owner is told, and what is answered on their behalf, if anything.
func (s State) Inbound(t Type) (next State, deliver bool, reply Type) {
	switch t {
	case Subscribe: // table 6
		switch {
		case s&From != 0:
			return s, false, Subscribed
		case s&Approved != 0: // §3.4.2: the approval is used up
			return s&^(Approved|PendingIn) | From, false, Subscribed
		case s&PendingIn != 0:
			return s, false, 0
		}
		return s | PendingIn, true, 0
	case Unsubscribe: // table 7
		if s&(From|PendingIn) != 0 {
			return s &^ (From | PendingIn), true, Unsubscribed
		}
	case Subscribed: // table 8
		if s&PendingOut != 0 {
			return s&^PendingOut | To, true, 0
		}
	case Unsubscribed: // table 9
		if s&(To|PendingOut) != 0 {
			return s &^ (To | PendingOut), true, 0
		}
	}
	return s, false, 0
}

// Subscription is the value of a roster item's subscription attribute (§2.1.2.5).
func (s State) Subscription() string {
	switch s & Both {
	case To:
		return "to"
	case From:
		return "from"
	case Both:
		return "both"
	}
	return "none"
}

// visible is what of a state a roster item shows (§2.1.2).
func (s State) visible() State { return s & (Both | PendingOut | Approved) }
