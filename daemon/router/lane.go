package router

import (
	"cmp"
	"slices"

	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
)

// lane is the traffic of one session while its first frame waits: for the
// store, for the answers to the frames before it, or for an absent edge. What
// comes behind it waits with it (rule 6).
type lane struct {
	queue []*Frame
	until int64 // for an absent edge, Unix milliseconds; or one of those below

	filing bool // every message in it that goes to an archive is on its way there
}

// What a lane may wait for beside an absent edge.
const (
	theStore   int64 = 0
	theAnswers int64 = -1
)

// laneKey names a lane: what a session sent, or what it returned.
type laneKey struct {
	SID
	returned bool
}

// laneOf is the order that a frame belongs to.
func laneOf(f *Frame) laneKey {
	if f.Requeue != (SID{}) {
		return laneKey{f.Requeue, true}
	}
	return laneKey{f.Lane, false}
}

// add queues a frame at its place: one that was held for its recipient may come
// behind frames that its session sent later.
func (ln *lane) add(f *Frame) {
	i := len(ln.queue)
	for i > 1 && f.LaneSeq != 0 && ln.queue[i-1].LaneSeq > f.LaneSeq {
		i--
	}
	ln.queue = append(ln.queue, nil)
	copy(ln.queue[i+1:], ln.queue[i:])
	ln.queue[i] = f
}

// block has the lane of f wait, f first. What a closed session returned has
// stanzas of many lanes: while the store is asked for it, what is for the same
// recipient waits as well.
func (l *Leader) block(f *Frame, until int64) {
	l.lanes[laneOf(f)] = &lane{queue: []*Frame{f}, until: until}
	if f.Requeue != (SID{}) {
		h := l.holdOf(string(l.keyOf(f.To)))
		if h.storing == nil {
			h.storing = make(map[FrameID]bool)
		}
		h.storing[f.ID] = true
	}
}

// unblock goes on with a lane, until something in it has to wait again. What was
// returned is older than what its recipient's hold keeps back, and passes it.
func (l *Leader) unblock(now int64, key laneKey) {
	ln := l.lanes[key]
	delete(l.lanes, key)
	for _, f := range ln.queue {
		if f.Requeue == (SID{}) || l.lanes[key] != nil {
			l.dispatch(now, f)
			continue
		}
		if h := l.holds[string(l.keyOf(f.To))]; h != nil {
			delete(h.storing, f.ID)
		}
		l.route(now, f)
	}
	l.release(now)
}

// effect names what f does to the store.
func (f *Frame) effect() replica.Effect {
	return replica.Effect{Inc: replica.Source(f.ID.Inc), Seq: f.ID.Seq, Low: f.Low}
}

// commit returns what became of the command of f. ok is false while that is on
// its way: then f waits at the head of its lane and is routed again.
func (l *Leader) commit(f *Frame, c replica.Command) (out im.Outcome, ok bool) {
	if out, ok = l.state().Outcome(*c.Effect); ok {
		if out.Limit != "" {
			l.reach(out.Limit)
		}
		return out, true
	}
	if _, asked := l.asked[f.ID]; !asked {
		if l.unanswered[laneOf(f)] > 0 { // what it overtook would come out of order from the next leader
			l.block(f, theAnswers)
			return out, false
		}
		l.asked[f.ID] = laneOf(f)
		l.rules.Propose(c.Within(l.limits()))
	}
	l.block(f, theStore)
	return out, false
}

// enter is commit for what the store may refuse: then the frame is refused, and the
// caller is done as well.
func (l *Leader) enter(f *Frame, c replica.Command) (out im.Outcome, ok bool) {
	out, ok = l.commit(f, c)
	if ok && out.Refused != "" {
		l.refuse(f, Condition(out.Refused))
		return out, false
	}
	return out, ok
}

// pend notes a frame whose parts are to be answered.
func (l *Leader) pend(f *Frame, parts int) *pending {
	p := &pending{f: f, left: parts}
	l.pending[f.ID] = p
	l.unanswered[laneOf(f)]++
	return p
}

// unpend forgets a frame that is done, or routed otherwise.
func (l *Leader) unpend(id FrameID) {
	p := l.pending[id]
	if p == nil {
		return
	}
	delete(l.pending, id)
	key := laneOf(p.f)
	if l.unanswered[key]--; l.unanswered[key] == 0 {
		delete(l.unanswered, key)
		l.answeredLane = key
	}
}

// recallAnswered goes on with the lane whose last answer has just come, if it
// waits for that.
func (l *Leader) recallAnswered(now int64) {
	key := l.answeredLane
	l.answeredLane = laneKey{}
	if ln := l.lanes[key]; ln != nil && ln.until == theAnswers && l.unanswered[key] == 0 {
		l.unblock(now, key)
	}
}

// Committed tells that commands are applied.
func (l *Leader) Committed(now int64, list []replica.Command) {
	for _, c := range list {
		if c.Effect == nil {
			l.part(now, c.User)
			continue
		}
		id := FrameID{Inc(c.Effect.Inc), c.Effect.Seq}
		key := l.asked[id]
		delete(l.asked, id)
		if ln := l.lanes[key]; ln != nil && ln.queue[0].ID == id {
			l.unblock(now, key)
		}
	}
}

// Uncommitted tells that nothing is known of commands. While this reign lasts
// they are tried again; the state machine knows those that were applied.
func (l *Leader) Uncommitted(list []replica.Command) {
	for _, c := range list {
		if c.Effect == nil {
			continue
		}
		id := FrameID{Inc(c.Effect.Inc), c.Effect.Seq}
		if ln := l.lanes[l.asked[id]]; ln != nil {
			ln.filing = false // what comes now must not overtake it
		}
		delete(l.asked, id)
	}
}

// recall goes on with lanes that wait for nothing any more: a command whose fate
// is unknown, or an absent edge that is not waited for any longer.
func (l *Leader) recall(now int64) {
	if len(l.lanes) == 0 || l.phase != serving || !l.Fresh(now) {
		return
	}
	unsure := l.unsure()
	for _, key := range sortedLanes(l.lanes) {
		ln := l.lanes[key]
		if ln == nil {
			continue
		}
		if l.ready(ln, key, now, unsure) {
			l.unblock(now, key)
		}
	}
}

func (l *Leader) ready(ln *lane, key laneKey, now, unsure int64) bool {
	switch ln.until {
	case theStore:
		_, asked := l.asked[ln.queue[0].ID]
		return !asked
	case theAnswers:
		return l.unanswered[key] == 0
	}
	return now >= ln.until || unsure == 0
}

func sortedLanes(m map[laneKey]*lane) []laneKey {
	list := make([]laneKey, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b laneKey) int {
		back := map[bool]int{true: 1}
		return cmp.Or(slices.Compare(a.Inc[:], b.Inc[:]), cmp.Compare(a.N, b.N), back[a.returned]-back[b.returned])
	})
	return list
}

// state is the replicated state, as this leader has applied it.
func (l *Leader) state() *replica.State {
	if l.rules.State == nil {
		return nowhere
	}
	return l.rules.State()
}

var nowhere = replica.New()

// reach tells that a limit of an account was reached.
func (l *Leader) reach(limit string) {
	if l.rules.Reached != nil {
		l.rules.Reached(limit)
	}
}

// limits is what one account may have.
func (l *Leader) limits() im.Limits {
	if l.rules.Limits == nil {
		return im.DefaultLimits
	}
	return l.rules.Limits().OrDefault()
}
