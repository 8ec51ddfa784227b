package im

// Request is one subscription stanza between two bare addresses.
type Request struct {
	From, To string
	Type     Type
	Raw      []byte // the stanza
}

// Effects is what follows from one subscription stanza of a user to a contact,
// for the user's and the contact's resources.
type Effects struct {
	Type        Type `json:"type"`
	UserPush    bool `json:"userPush,omitempty"`    // the user's roster shows a change
	ContactPush bool `json:"contactPush,omitempty"` // the contact's does
	Route       bool `json:"route,omitempty"`       // the stanza leaves the user's side
	Deliver     bool `json:"deliver,omitempty"`     // the contact's resources get it
	Reply       Type `json:"reply,omitempty"`       // said on behalf of the contact
	ReplyShown  bool `json:"replyShown,omitempty"`  // and the user's resources get that
	ShowUser    bool `json:"showUser,omitempty"`    // the contact may now see the user's presence
	HideUser    bool `json:"hideUser,omitempty"`    // and now no more
	ShowContact bool `json:"showContact,omitempty"` // the same the other way round
	HideContact bool `json:"hideContact,omitempty"`
}

// exchange is Exchange on sides; a side that is not kept here is nil.
func exchange(index uint64, user, contact *side, t Type, raw []byte) (e Effects) {
	e = Effects{Type: t, Route: true}
	if user != nil {
		e.Route = user.outbound(index, t)
	}
	if contact != nil && e.Route {
		e.Deliver, e.Reply = contact.inbound(index, t, raw)
	}
	if user != nil && e.Reply != 0 {
		e.ReplyShown, _ = user.inbound(index, e.Reply, nil)
	}
	if user != nil {
		e.UserPush = user.pushed
		e.ShowContact = user.gained(To) && contact != nil
		e.HideUser = user.lost(From)
		e.ShowUser = contact == nil && user.gained(From)
	}
	if contact != nil {
		e.ContactPush = contact.pushed
		e.ShowUser = e.ShowUser || contact.gained(To)
		e.HideContact = contact.lost(From)
		e.ShowContact = e.ShowContact || user == nil && contact.gained(From)
	}
	return e
}

// side is one of the two rosters while a stanza is applied to it.
type side struct {
	user   *User
	peer   string
	before State
	pushed bool
	limits Limits
}

func newSide(u *User, peer string, l Limits) *side {
	return &side{user: u, peer: peer, limits: l, before: u.Contact(peer).State}
}

func (s *side) now() State            { return s.user.Contact(s.peer).State }
func (s *side) gained(bit State) bool { return s.before&bit == 0 && s.now()&bit != 0 }
func (s *side) lost(bit State) bool   { return s.before&bit != 0 && s.now()&bit == 0 }

// outbound applies the owner's own stanza. It puts the contact in the roster,
// unless it only refuses or gives up what was never there (§3.1.2, §3.4.2).
func (s *side) outbound(index uint64, t Type) (route bool) {
	it := s.user.Contact(s.peer)
	next, route := it.State.Outbound(t)
	if next == it.State || !it.Listed && s.full() {
		return route
	}
	it.State = next
	it.Listed = it.Listed || t == Subscribe || t == Subscribed
	s.change(index, it)
	return route
}

// inbound applies the contact's stanza, and keeps a request for as long as it is
// unanswered (§3.1.3 rule 4). It never makes a roster item; a request beyond the
// bound is ignored.
func (s *side) inbound(index uint64, t Type, raw []byte) (deliver bool, reply Type) {
	it := s.user.Contact(s.peer)
	next, deliver, reply := it.State.Inbound(t)
	if next == it.State {
		return deliver, reply
	}
	if it.State == None && !it.Listed && s.full() || t == Subscribe && next&PendingIn != 0 && s.heavy(len(raw)) {
		return false, 0
	}
	it.State = next
	if next&PendingIn != 0 && t == Subscribe {
		it.Request = raw
	}
	s.change(index, it)
	return deliver, reply
}

func (s *side) full() bool {
	_, known := s.user.items()[s.peer]
	return !known && (len(s.user.items()) >= s.limits.Contacts || s.heavy(0))
}

// heavy reports whether the contacts with one more, and what it said, are larger than
// the bound.
func (s *side) heavy(more int) bool {
	return s.user.weight()+len(appendItem(nil, s.peer, Item{}))+more > s.limits.Roster
}

func (s *side) change(index uint64, it Item) {
	s.user = s.user.fork()
	s.pushed = s.user.put(index, s.peer, it) || s.pushed
}

// Exchange applies a subscription stanza to the rosters of both sides and says
// what follows (RFC 6121 §3, appendix A). A side whose account is not kept here,
// such as a component, is Absent.
func (l Limits) Exchange(index uint64, user, contact *User, q Request) (newUser, newContact *User, e Effects) {
	var u, c *side
	if user != Absent {
		u = newSide(user, q.To, l)
	}
	if contact != Absent {
		c = newSide(contact, q.From, l)
	}
	e = exchange(index, u, c, q.Type, q.Raw)
	if u != nil {
		user = u.user
	}
	if c != nil {
		contact = c.user
	}
	return user, contact, e
}

// Absent stands for the roster of an account that is not kept here.
var Absent = &User{}
