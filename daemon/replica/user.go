package replica

import (
	"slices"
	"strings"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/im"
	"quorate.org/daemon/stanza"
)

// The operations on rosters and waiting messages. All but OpOfflineDel, OpMiss and
// OpParted are effects of a stanza: they carry its Effect and happen once.
const (
	OpRosterSet    Op = "roster-set"    // Effect, User, Contact, Name, Groups
	OpRosterRemove Op = "roster-remove" // Effect, User, Contact
	OpSubscription Op = "subscription"  // Effect, User (from), Contact (to), Name (the type), Raw
	OpOfflineAdd   Op = "offline-add"   // Effect, User, Raw
	OpOfflineDel   Op = "offline-del"   // User, UpTo
	OpBlock        Op = "block"         // Effect, User, Addresses
	OpUnblock      Op = "unblock"       // Effect, User, Addresses; none for all
	OpLeave        Op = "leave"         // Effect, User, Time, Raw
	OpMiss         Op = "miss"          // User, Time
	OpPrivate      Op = "private"       // Effect, User, Private
	OpVCard        Op = "vcard"         // Effect, User, Raw
	OpPushEnable   Op = "push-enable"   // Effect, User, Target
	OpPushDisable  Op = "push-disable"  // Effect, User, Target: its JID, and its Node unless all there are meant
	OpParted       Op = "parted"        // User
	OpUsers        Op = "users"         // Users, Services, Clock
	OpBatch        Op = "batch"         // Batch
)

// SetRosterItem adds or replaces an item of a user's roster.
func SetRosterItem(e Effect, user, contact, name string, groups []string) Command {
	return Command{Op: OpRosterSet, Effect: &e, User: user, Contact: contact, Name: name, Groups: groups}
}

// RemoveRosterItem takes a contact out of a user's roster.
func RemoveRosterItem(e Effect, user, contact string) Command {
	return Command{Op: OpRosterRemove, Effect: &e, User: user, Contact: contact}
}

// ApplySubscription applies a subscription stanza to the rosters of both sides.
func ApplySubscription(e Effect, q im.Request) Command {
	return Command{Op: OpSubscription, Effect: &e, User: q.From, Contact: q.To, Name: q.Type.String(), Raw: q.Raw}
}

// AddOffline keeps a message for a user.
func AddOffline(e Effect, user string, raw []byte) Command {
	return Command{Op: OpOfflineAdd, Effect: &e, User: user, Raw: raw}
}

// DeleteOffline forgets a user's messages up to an index: they were delivered.
func DeleteOffline(user string, upTo uint64) Command {
	return Command{Op: OpOfflineDel, User: user, UpTo: upTo}
}

// Block puts addresses on a user's block list.
func Block(e Effect, user string, addresses []string) Command {
	return Command{Op: OpBlock, Effect: &e, User: user, Addresses: addresses}
}

// Unblock takes addresses off a user's block list, all of them if none is given.
func Unblock(e Effect, user string, addresses []string) Command {
	return Command{Op: OpUnblock, Effect: &e, User: user, Addresses: addresses}
}

// Leave notes the end of a user's presence, at a time in Unix milliseconds, and the
// stanza that told it.
func Leave(e Effect, user string, ms int64, raw []byte) Command {
	return Command{Op: OpLeave, Effect: &e, User: user, Time: ms, Raw: raw}
}

// Miss is Leave where no stanza told it.
func Miss(user string, ms int64) Command { return Command{Op: OpMiss, User: user, Time: ms} }

// SetPrivate keeps a user's private XML.
func SetPrivate(e Effect, user string, items map[string][]byte) Command {
	return Command{Op: OpPrivate, Effect: &e, User: user, Private: items}
}

// SetVCard keeps a user's vCard; nil forgets it.
func SetVCard(e Effect, user string, card []byte) Command {
	return Command{Op: OpVCard, Effect: &e, User: user, Raw: card}
}

// EnablePush has a user's messages noticed at a target.
func EnablePush(e Effect, user string, t im.Target) Command {
	return Command{Op: OpPushEnable, Effect: &e, User: user, Target: &t}
}

// DisablePush ends that for one node of an app server, or for all of them when none
// is named.
func DisablePush(e Effect, user, jid, node string) Command {
	return Command{Op: OpPushDisable, Effect: &e, User: user, Target: &im.Target{JID: jid, Node: node}}
}

// TakeUsers brings the rosters and messages of another store, for accounts that
// have none yet.
func TakeUsers(from *State) Command {
	return Command{Op: OpUsers, Users: from.Users, Services: from.Services, Clock: from.Clock}
}

// Batch applies commands one behind the other. A refusal of one does not keep
// the others.
func Batch(list []Command) Command { return Command{Op: OpBatch, Batch: list} }

// Within has a command obey limits, which every node then applies.
func (c Command) Within(l im.Limits) Command {
	if l = l.OrDefault(); l != im.DefaultLimits {
		c.Limits = &l
	}
	return c
}

func (c Command) limits() im.Limits {
	if c.Limits == nil {
		return im.DefaultLimits
	}
	return c.Limits.OrDefault()
}

// Personal reports whether a command concerns users' own data alone, not what
// the cluster or a node is configured by.
func (c Command) Personal() bool {
	switch c.Op {
	case OpRosterSet, OpRosterRemove, OpSubscription, OpOfflineAdd, OpOfflineDel, OpBlock, OpUnblock, OpLeave, OpMiss, OpParted, OpPrivate, OpVCard, OpPushEnable, OpPushDisable, OpUsers, OpPep, OpCaps, OpFile, OpSweep, OpPrefs:
		return true
	case OpBatch:
		return !slices.ContainsFunc(c.Batch, func(each Command) bool { return !each.Personal() })
	}
	return false
}

// Account reports whether there is a local account of that bare address.
func (s *State) Account(bare string) bool {
	_, ok := s.AccountOf(bare)
	return ok
}

// User returns what is kept of an account, nil for nothing.
func (s *State) User(bare string) *im.User { return s.Users.Get(bare) }

// Lineage tells apart the stores whose log indexes have nothing to do with each
// other; roster versions begin with it.
func (s *State) Lineage() string { return s.ClusterID[:min(len(s.ClusterID), 8)] }

// side is a user's data, im.Absent where there is no such account here.
func (s *State) side(bare string) *im.User {
	if !s.Account(bare) {
		return im.Absent
	}
	return s.User(bare)
}

// keep enters a user's data. s must be a fork.
func (s *State) keep(bare string, u *im.User) {
	if u != im.Absent && u != s.User(bare) {
		s.enterUser(bare, u)
	}
}

// effect wraps the rule of an operation that happens once for its stanza.
func effect(rule func(n *State, clock uint64, c Command) im.Outcome) func(*State, uint64, Command) (*State, error) {
	return func(s *State, index uint64, c Command) (*State, error) {
		if c.Effect == nil || c.User == "" {
			return nil, fault.New(fault.InvalidArgument, "the command "+string(c.Op)+" names no stanza or no user")
		}
		if s.repeated(*c.Effect) {
			return s, nil
		}
		n := s.fork()
		n.Clock++
		n.note(index, *c.Effect, rule(n, n.Clock, c))
		return n, nil
	}
}

func rosterSet(n *State, clock uint64, c Command) im.Outcome {
	if !n.Account(c.User) {
		return im.Outcome{Refused: stanza.ItemNotFound} // RFC 6121 §2.1.4
	}
	u, out := c.limits().Set(clock, n.User(c.User), c.Contact, c.Name, c.Groups)
	n.keep(c.User, u)
	return out
}

func rosterRemove(n *State, clock uint64, c Command) im.Outcome {
	if !n.Account(c.User) {
		return im.Outcome{Refused: stanza.ItemNotFound}
	}
	contact := n.side(c.Contact)
	if c.Contact == c.User {
		contact = im.Absent
	}
	u, other, out := c.limits().Remove(clock, n.User(c.User), c.Contact, contact, c.User)
	n.keep(c.User, u)
	n.keep(c.Contact, other)
	return out
}

func subscription(n *State, clock uint64, c Command) im.Outcome {
	if c.User == c.Contact { // everyone sees their own presence (RFC 6121 §4.2.2)
		return im.Outcome{}
	}
	contact, t := n.side(c.Contact), im.TypeOf(c.Name)
	if contact.Blocks(c.User) && (t == im.Subscribe || t == im.Subscribed) {
		contact = im.Absent // XEP-0191 §3.3: it does not reach them; what ends does, in the rosters
	}
	u, other, e := c.limits().Exchange(clock, n.side(c.User), contact,
		im.Request{From: c.User, To: c.Contact, Type: t, Raw: c.Raw})
	n.keep(c.User, u)
	n.keep(c.Contact, other)
	return im.Outcome{Effects: []im.Effects{e}}
}

func offlineAdd(n *State, clock uint64, c Command) im.Outcome {
	if !n.Account(c.User) {
		return im.Outcome{Refused: stanza.ServiceUnavailable}
	}
	if u := n.User(c.User); u != nil && len(u.Blocked) > 0 && u.Blocks(im.Sender(c.Raw).String()) {
		return im.Outcome{Refused: stanza.ServiceUnavailable} // since it was on its way
	}
	u, out := c.limits().Store(clock, n.User(c.User), c.Raw)
	n.keep(c.User, u)
	return out
}

// own wraps a change of what is a user's alone.
func own(change func(u *im.User, c Command) (*im.User, im.Outcome)) func(*State, uint64, Command) im.Outcome {
	return func(n *State, _ uint64, c Command) im.Outcome {
		if !n.Account(c.User) {
			return im.Outcome{Refused: stanza.ItemNotFound}
		}
		u, out := change(n.User(c.User), c)
		n.keep(c.User, u)
		return out
	}
}

func block(u *im.User, c Command) (*im.User, im.Outcome)   { return c.limits().Block(u, c.Addresses) }
func unblock(u *im.User, c Command) (*im.User, im.Outcome) { return im.Unblock(u, c.Addresses) }
func setPrivate(u *im.User, c Command) (*im.User, im.Outcome) {
	return c.limits().SetPrivate(u, c.Private)
}
func setVCard(u *im.User, c Command) (*im.User, im.Outcome) { return c.limits().SetVCard(u, c.Raw) }

// pushEnable and pushDisable change nothing where a command has no target.
func pushEnable(u *im.User, c Command) (*im.User, im.Outcome) {
	if c.Target == nil {
		return u, im.Outcome{Refused: stanza.BadRequest}
	}
	return c.limits().Enable(u, *c.Target)
}

func pushDisable(u *im.User, c Command) (*im.User, im.Outcome) {
	if c.Target == nil {
		return u, im.Outcome{Refused: stanza.BadRequest}
	}
	return im.Disable(u, c.Target.JID, c.Target.Node), im.Outcome{}
}

func leave(n *State, _ uint64, c Command) im.Outcome {
	if n.Account(c.User) {
		n.keep(c.User, c.limits().Leave(n.User(c.User), c.Time, c.Raw))
	}
	return im.Outcome{}
}

func miss(s *State, _ uint64, c Command) (*State, error) {
	u := c.limits().Leave(s.User(c.User), c.Time, nil)
	if u == s.User(c.User) || !s.Account(c.User) {
		return s, nil
	}
	n := s.fork()
	n.keep(c.User, u)
	return n, nil
}

func offlineDel(s *State, _ uint64, c Command) (*State, error) {
	u := im.Unstore(s.User(c.User), c.UpTo)
	if u == s.User(c.User) {
		return s, nil
	}
	n := s.fork()
	n.keep(c.User, u)
	return n, nil
}

func takeUsers(s *State, _ uint64, c Command) (*State, error) {
	n := s.fork()
	n.Clock = max(s.Clock, c.Clock)
	for bare, u := range c.Users.All() {
		if s.Account(bare) && s.User(bare) == nil {
			n.keep(bare, u)
		}
	}
	n.mergeServices(c.Services, nil)
	return n, nil
}

// batch applies a list of commands as one log entry.
func batch(s *State, index uint64, c Command) (*State, error) {
	first := s.fork()
	first.ours = map[Source]bool{}
	n, writes := first, []archive.Write(nil)
	for _, each := range c.Batch {
		if each.Op == OpBatch {
			return nil, fault.New(fault.InvalidArgument, "a batch within a batch")
		}
		if next, err := n.Apply(index, each); err == nil && next != n {
			n, writes = next, append(writes, next.Writes...)
		}
	}
	if n == first {
		return s, nil
	}
	n.Writes, n.ours = writes, nil // nobody else has this version
	return n, nil
}

// mergeUsers takes over what a node brings for accounts that it brings, and
// sets the clock past its versions.
func (s *State) mergeUsers(users Table[*im.User], clock uint64, had map[string]Account) {
	for bare, u := range users.All() {
		local, domain, _ := strings.Cut(bare, "@")
		if _, known := had[s.AccountName(local, domain)]; !known && s.Account(bare) {
			s.keep(bare, u)
		}
	}
	s.Clock = max(s.Clock, clock)
}

// HasParted forgets who saw the presence of a removed account: they have been told
// of its end.
func HasParted(bare string) Command { return Command{Op: OpParted, User: bare} }

func parted(s *State, _ uint64, c Command) (*State, error) {
	if s.Parted[c.User] == nil {
		return s, nil
	}
	n := s.fork()
	n.Parted = drop(s.Parted, c.User)
	return n, nil
}

// leaveRosters ends the subscriptions of an account that is deleted, and drops
// what was kept of it. s must be a fork that still has the account.
func (s *State) leaveRosters(bare string) {
	s.Clock++
	u := s.User(bare)
	if seen := slices.DeleteFunc(u.Contacts(im.From), u.Blocks); len(seen) > 0 {
		s.Parted = put(s.Parted, bare, seen)
	}
	for _, contact := range u.Contacts(^im.None) {
		if other := s.side(contact); other != im.Absent && contact != bare {
			for _, say := range []im.Type{im.Unsubscribe, im.Unsubscribed} {
				u, other, _ = im.DefaultLimits.Exchange(s.Clock, u, other, im.Request{From: bare, To: contact, Type: say})
			}
			s.keep(contact, other)
		}
	}
	s.enterUser(bare, nil)
	s.leaveServices(bare)
	s.Writes = append(s.Writes, archive.Write{Owner: bare, Drop: true})
}
