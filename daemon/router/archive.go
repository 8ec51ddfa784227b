package router

import (
	"bytes"
	"cmp"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/stanza"
)

// filed has a message put in the archives that it belongs to, before anybody gets
// it: its recipient is told its name there (XEP-0313 §3.5). ok is false while the store
// is asked; then f waits at the head of its lane. The message is
// returned as it goes on: with its name, and without one that its sender made up.
func (l *Leader) filed(f *Frame) (g *Frame, ok bool) {
	if !f.Class.IsMessage() || f.Requeue != (SID{}) { // what comes back was filed when it came first
		return f, true
	}
	if _, done := l.state().Filed(f.effect()); !done {
		if c, wanted := l.filing(f); wanted {
			l.file(f, c)
			l.block(f, theStore)
			l.lanes[laneOf(f)].filing = true
			return nil, false
		}
	}
	bare := bareOf(f.To)
	if !l.rules.Serves(domainOf(bare)) {
		return f, true
	}
	raw := l.namedFor(f, string(bare))
	if len(raw) == len(f.Raw) {
		return f, true
	}
	n := *f
	n.Raw = raw
	return &n, true
}

// file asks the store to file a message, unless it is asked.
func (l *Leader) file(f *Frame, c replica.Command) {
	if _, asked := l.asked[f.ID]; !asked {
		l.asked[f.ID] = laneOf(f)
		l.rules.Propose(c)
	}
}

// namedFor is a message as an account may see it: with the name that it has in that
// account's archive, and in nobody else's.
func (l *Leader) namedFor(f *Frame, bare string) []byte {
	done, _ := l.state().Filed(f.effect())
	id := ""
	if done.Has(bare) {
		id = done.ID
	}
	return archive.Identified(f.Raw, bare, id, done.By...)
}

// filing is the command that files a message, if it goes to any archive (XEP-0313
// §6.1.1), without a name that its sender made up for an account that will ask for it
// there (XEP-0359 §5).
func (l *Leader) filing(f *Frame) (c replica.Command, wanted bool) {
	if l.rules.Archive == nil || f.Class != MessageNormal && f.Class != MessageChat {
		return c, false
	}
	sides := l.sides(f)
	if len(sides) == 0 || !archive.Wanted(f.Raw) {
		return c, false
	}
	bounds := l.rules.Policy().Bounds(l.rules.Wall())
	bounds.Since = 0 // by age sweep alone takes out
	var owners []string
	for _, s := range sides {
		owners = append(owners, s.Owner)
	}
	return replica.File(f.effect(), archive.Filing{Sides: sides, Time: f.Time, Raw: archive.Cleaned(f.Raw, owners...), Bounds: bounds}), true
}

// sides lists the accounts that keep a message: its sender, and its recipient
// unless it bounces there.
func (l *Leader) sides(f *Frame) (list []archive.Side) {
	st, policy := l.state(), l.rules.Policy()
	from, to := l.own(f), string(bareOf(f.To))
	if from != nil && archive.Keeps(st.User(holdKey(from)), string(f.To), policy) {
		list = append(list, archive.Side{Owner: holdKey(from), With: string(f.To)})
	}
	if from != nil && to == holdKey(from) || !st.Account(to) || f.Class == MessageNormal && l.absent(f.To) {
		return list
	}
	u := st.User(to)
	if policy.Default == im.Never && (u == nil || u.Prefs == nil) { // before the sender is read
		return list
	}
	if with := im.Sender(f.Raw).String(); archive.Keeps(u, with, policy) {
		list = append(list, archive.Side{Owner: to, With: with})
	}
	return list
}

// absent reports whether an address names a resource that is not there.
func (l *Leader) absent(to []byte) bool {
	return bytes.IndexByte(to, '/') >= 0 && l.full[string(to)] == nil
}

// ahead asks the store for a message that waits behind others which are on their
// way to it, so that a lane does not go one commit at a time. The proposals are in
// the order of the lane, and so are the archives.
func (l *Leader) ahead(ln *lane, f *Frame) {
	if !ln.filing {
		return
	}
	ln.filing = f.Class.IsMessage() && f.Requeue == (SID{}) && l.holds[string(l.keyOf(f.To))] == nil && !l.anyBlocks(f)
	if _, done := l.state().Filed(f.effect()); done || !ln.filing {
		return
	}
	if c, wanted := l.filing(f); wanted {
		l.file(f, c)
	}
}

// anyBlocks reports whether sender or recipient of a message block anybody: then
// whether it is delivered at all is found out in its turn.
func (l *Leader) anyBlocks(f *Frame) bool {
	s := l.own(f)
	return len(l.blockedBy(string(bareOf(f.To)))) > 0 || s != nil && len(l.blockedBy(holdKey(s))) > 0
}

// archive answers a request to an account's archive, which is for the account
// alone (XEP-0313 §8.1).
func (l *Leader) archive(now int64, f *Frame, owner string, own bool) {
	s := l.own(f)
	if !own || s == nil || l.rules.Archive == nil {
		l.refuse(f, Condition(stanza.Forbidden))
		return
	}
	since := l.since()
	switch what := im.Payload(f.Raw); {
	case what == "query" && f.Class == IQGet:
		l.fulfil(f, owner, archive.Fields(), nil)
	case what == "query":
		l.page(f, s, owner, since)
	case what == "metadata" && f.Class == IQGet:
		l.fulfil(f, owner, archive.Metadata(l.rules.Archive(owner), since), nil)
	case what == "prefs" && f.Class == IQGet:
		l.fulfil(f, owner, archive.AppendPrefs(nil, l.prefs(owner)), nil)
	case what == "prefs":
		l.setPrefs(f, owner)
	default:
		l.refuse(f, Condition(stanza.BadRequest))
	}
}

// page answers a query: its entries, and the result behind them (§4).
func (l *Leader) page(f *Frame, s *session, owner string, since int64) {
	q, refused := archive.ReadQuery(f.Raw)
	if refused != "" {
		l.refuse(f, Condition(refused))
		return
	}
	q, more := q.Within(cmp.Or(l.rules.Policy().Page, archive.DefaultPage))
	p, ok := archive.Pick(l.rules.Archive(owner), since, q)
	if !ok {
		l.refuse(f, Condition(stanza.ItemNotFound))
		return
	}
	if more && !p.Complete {
		l.reach(archive.LimitPage)
	}
	var parts []part
	for _, e := range p.Order(q.Flip) {
		parts = append(parts, part{to: s, sub: partOf(kindResult, s.SID, SID{}, 0, e.ID), class: MessageNormal,
			raw: e.AppendResult(nil, q.ID, owner, s.JID)})
	}
	fin := stanza.AppendIQResult(nil, f.Raw, nil, owner, "", p.Fin())
	l.emit(f, nil, append(parts, part{to: s, sub: subReply, class: IQResult, raw: fin}))
}

// prefs are an account's preferences, or what counts where it has said nothing.
func (l *Leader) prefs(owner string) im.Prefs {
	if u := l.state().User(owner); u != nil && u.Prefs != nil {
		return *u.Prefs
	}
	return im.Prefs{Default: l.rules.Policy().Default}
}

func (l *Leader) setPrefs(f *Frame, owner string) {
	p, refused := archive.ReadPrefs(f.Raw)
	if refused != "" {
		l.refuse(f, Condition(refused))
		return
	}
	if _, ok := l.enter(f, replica.SetPrefs(f.effect(), owner, p)); ok {
		l.fulfil(f, owner, archive.AppendPrefs(nil, p), nil)
	}
}

// When archives forget what is too old, in milliseconds; until then it is only not
// shown. A new leader waits: the clock of a machine that starts may be wrong until
// it has asked for the time.
const (
	sweepEvery = 3_600_000
	sweepAfter = 600_000
)

// since is from when on messages are kept.
func (l *Leader) since() int64 { return l.rules.Policy().Bounds(l.rules.Wall()).Since }

func (l *Leader) sweep(now int64) {
	if l.told.swept == 0 {
		l.told.swept = now - sweepEvery + sweepAfter
	}
	if l.rules.Archive == nil || l.state().LastFiled == 0 || now-l.told.swept < sweepEvery {
		return
	}
	l.told.swept = now
	if since := l.since(); since > 0 {
		l.rules.Propose(replica.SweepArchives(since))
	}
}
