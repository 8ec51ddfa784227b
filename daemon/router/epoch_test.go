package router

import "testing"

// TestOpensAndGoes: rules 2 and 3.
func TestOpensAndGoes(t *testing.T) {
	r := newRig(t)
	r.up("b", "c")
	r.want("before the reign")
	r.l.Start(r.now, 7)
	r.want("opening", "a OPEN 7.0", "b OPEN 7.0", "c OPEN 7.0")
	r.sync("a", Sync{})
	r.sync("c", Sync{Seen: []Seen{{Inc: incOf("b"), Low: 3, Seqs: []uint64{5, 3}}}})
	r.want("one is missing")
	r.sync("b", Sync{Seen: []Seen{{Inc: incOf("b"), Low: 3, Seqs: []uint64{4}}}})
	r.want("all are there", "a GO 7.0 done [] dead 0", "b GO 7.0 done [3 4 5] dead 0", "c GO 7.0 done [] dead 0")
	r.l.Start(r.now, 7)
	r.want("the same reign again")
}

// TestSilentEdge: rule 2, an edge silent for 150 ms is absent, and rule 5, it is
// taken in by another epoch when it speaks.
func TestSilentEdge(t *testing.T) {
	r := newRig(t)
	r.up("b", "c")
	r.l.Start(r.now, 1)
	r.sync("a", Sync{})
	r.sync("b", Sync{})
	r.take()
	r.now += syncWait - 1
	r.l.Tick(r.now)
	r.want("a moment before the time is over")
	r.now++
	r.l.Tick(r.now)
	r.want("without it", "a GO 1.0 done [] dead 0", "b GO 1.0 done [] dead 0")
	r.sync("c", Sync{})
	r.want("its late report", "a OPEN 1.1", "b OPEN 1.1", "c OPEN 1.1")
}

// TestLinkLoss: rule 5.
func TestLinkLoss(t *testing.T) {
	r := newRig(t)
	r.serve(1, nil)
	r.l.LinkDown(r.now, "c", false)
	r.want("a link is lost", "a OPEN 1.1", "b OPEN 1.1")
	r.sync("a", Sync{})
	r.sync("b", Sync{})
	r.want("on without it", "a GO 1.1 done [] dead 0", "b GO 1.1 done [] dead 0")
	r.up("c")
	r.want("it is back, and waits 0.1 s")
	for wait := int64(flapFirst); wait < 2*flapMax; wait *= 2 {
		r.now += min(wait, flapMax) - 1
		r.l.Tick(r.now)
		r.want("before the back-off is over")
		r.now++
		r.l.Tick(r.now)
		if k := r.l.epoch.K; k%2 != 0 {
			t.Fatalf("after a back-off of %d ms the epoch is %d", wait, k)
		}
		for _, n := range []NodeID{"a", "b", "c"} {
			r.sync(n, Sync{})
		}
		r.l.LinkDown(r.now, "c", false)
		r.sync("a", Sync{})
		r.sync("b", Sync{})
		r.take()
		r.up("c")
		r.take()
	}
}

// TestRelinkedWhileOpening: the report of an edge may go down with its link; it
// gives it again on the next one.
func TestRelinkedWhileOpening(t *testing.T) {
	out := &rig{t: t}
	e := NewEdge(EdgeConfig{Inc: incOf("b"), Out: out, Now: func() int64 { return 0 }})
	opening := Msg{Type: MsgOpen, Epoch: Epoch{3, 1}}
	e.Receive("a", opening)
	out.want("the first time", "a SYNC 3.1 0 claims 0 seen")
	e.LinkDown("a")
	e.Receive("a", opening)
	out.want("on the new link", "a SYNC 3.1 0 claims 0 seen")
	e.Receive("c", opening)
	out.want("nobody else may ask in that epoch")
	e.Receive("a", Msg{Type: MsgGo, Epoch: Epoch{3, 1}, Go: &Go{}})
	e.Receive("a", opening)
	out.want("behind GO it is an old message")
}

// TestAbsentHold: rule 12, nothing is refused while its recipient may be at an
// edge that is absent and not proved dead.
func TestAbsentHold(t *testing.T) {
	gone := func(r *rig, dead bool) {
		r.serve(1, ruleClaims())
		r.l.LinkDown(r.now, "c", dead)
		r.sync("a", Sync{Claims: ruleClaims()["a"]})
		r.sync("b", Sync{Claims: ruleClaims()["b"]})
		r.take()
	}
	t.Run("known session", func(t *testing.T) {
		r := newRig(t)
		gone(r, false)
		r.frame(MessageChat, "cb1.d")
		r.now += absentHold - 1
		r.from("b", Msg{Type: MsgPong})
		r.l.Tick(r.now)
		r.want("held", "b PING")
		r.now++
		r.l.Tick(r.now)
		r.want("gone", "a DELIVER 1 to a1 error recipient-unavailable")
	})
	t.Run("back in time", func(t *testing.T) {
		r := newRig(t)
		gone(r, false)
		r.frame(MessageChat, "cb1.d")
		r.up("c")
		r.now += flapFirst
		r.l.Tick(r.now)
		for n, c := range ruleClaims() {
			r.sync(n, Sync{Claims: c})
		}
		r.take()
		r.seq = 0 // the source sends it again
		r.frame(MessageChat, "cb1.d")
		r.want("delivered", "c DELIVER 1 to c2 s1")
	})
	t.Run("proved dead", func(t *testing.T) {
		r := newRig(t)
		gone(r, true)
		r.frame(MessageChat, "cb1.d")
		r.want("refused at once", "a DELIVER 1 to a1 error recipient-unavailable")
	})
	t.Run("proved dead later", func(t *testing.T) {
		r := newRig(t)
		gone(r, false)
		r.frame(MessageChat, "cb1.d")
		r.want("held")
		r.l.LinkDown(r.now, "c", true)
		r.want("refused", "a DELIVER 1 to a1 error recipient-unavailable")
	})
	t.Run("restarted", func(t *testing.T) {
		r := newRig(t)
		r.serve(1, ruleClaims())
		r.l.LinkDown(r.now, "c", false)
		r.up("c")
		r.sync("a", Sync{Claims: ruleClaims()["a"]})
		r.sync("b", Sync{Claims: ruleClaims()["b"]})
		r.take()
		r.from("c", Msg{Type: MsgSync, Sync: &Sync{Inc: Inc{'C'}}})
		r.want("its former start is dead", "a GO 1.1 done [] dead 1", "b GO 1.1 done [] dead 1", "c GO 1.1 done [] dead 1")
	})
	t.Run("order", func(t *testing.T) {
		r := newRig(t)
		gone(r, false)
		r.frame(MessageChat, "away@d") // whose session was at c
		r.frame(MessageChat, "romeo@d/orchard")
		r.frame(MessageChat, "away@d/x")
		r.want("others do not wait", "b DELIVER 2 to b1 s2")
		r.now += absentHold
		r.l.Tick(r.now)
		r.want("not without a majority", "b PING")
		r.from("b", Msg{Type: MsgPong})
		r.want("in order", "a DELIVER 1 to a1 error service-unavailable", "a DELIVER 3 to a1 error service-unavailable")
	})
}

// TestAbsentFan: a stanza for every resource waits for the ones at an absent edge.
func TestAbsentFan(t *testing.T) {
	r := newRig(t)
	r.serve(1, ruleClaims())
	r.l.LinkDown(r.now, "c", false)
	r.sync("a", Sync{Claims: ruleClaims()["a"]})
	r.sync("b", Sync{Claims: ruleClaims()["b"]})
	r.take()
	r.frame(MessageHeadline, "romeo@d") // romeo@d/balcony is at c
	r.frame(MessageHeadline, "nobody@d")
	r.want("both wait")
	r.up("c")
	r.now += flapFirst
	r.l.Tick(r.now)
	for n, c := range ruleClaims() {
		r.sync(n, Sync{Claims: c})
	}
	r.take()
	r.seq = 0
	if got := r.outcome(r.frame(MessageHeadline, "romeo@d")); got != "romeo@d/orchard romeo@d/low romeo@d/balcony" {
		t.Errorf("delivered to %q", got)
	}
	if got := r.outcome(r.frame(MessageHeadline, "nobody@d")); got != "" {
		t.Errorf("delivered to %q", got)
	}
}

// TestFanResumes: rule 3, of a stanza for every resource only the parts not
// reported accepted are repeated.
func TestFanResumes(t *testing.T) {
	r := newRig(t)
	r.serve(1, ruleClaims())
	r.l.Start(r.now, 2)
	had := Sync{Claims: ruleClaims()["b"], Seen: []Seen{{Inc: incOf("a"), Low: 1, Subs: []SubSeq{{1, subOf(SID{incOf("b"), 1})}}}}}
	r.sync("a", Sync{Claims: ruleClaims()["a"]})
	r.sync("b", had)
	r.sync("c", Sync{Claims: ruleClaims()["c"]})
	r.take()
	if got := r.outcome(r.frame(MessageHeadline, "romeo@d")); got != "romeo@d/low romeo@d/balcony" {
		t.Errorf("repeated to %q", got)
	}
}

// TestFreshness: rule 15, nothing is dispatched without a majority's answer of
// the last 200 ms, and what waited goes on in order.
func TestFreshness(t *testing.T) {
	r := newRig(t)
	r.serve(1, ruleClaims())
	r.now += freshFor
	if r.l.Fresh(r.now) {
		t.Fatal("fresh after 200 ms of silence")
	}
	r.frame(MessageChat, "romeo@d/orchard")
	r.want("held, and asked", "b PING", "c PING")
	r.frame(MessageChat, "romeo@d/orchard")
	r.want("no second question at once")
	r.from("b", Msg{Type: MsgPong})
	r.want("two of three", "b DELIVER 1 to b1 s1", "b DELIVER 2 to b1 s2")
	if _, err := r.l.Serving(); !err {
		t.Error("it no longer serves")
	}
}

// TestStop: rule 13, edges that lose their leader without losing a link must
// know it, or what they keep is never given up.
func TestStop(t *testing.T) {
	r := newRig(t)
	r.serve(1, nil)
	r.l.Stop()
	r.want("the reign is over", "a STOP", "b STOP", "c STOP")
	r.l.Stop()
	r.want("once")

	out := &rig{t: t}
	var now int64
	bounced := 0
	e := NewEdge(EdgeConfig{Inc: incOf("b"), Out: out, Now: func() int64 { return now }, Bounce: func(*Frame) { bounced++ }})
	ep := Epoch{1, 0}
	e.Receive("a", Msg{Type: MsgOpen, Epoch: ep})
	e.Receive("a", Msg{Type: MsgGo, Epoch: ep, Go: &Go{}})
	e.Receive("a", Msg{Type: MsgStop, Epoch: ep})
	out.take()
	e.Submit(&Frame{Class: MessageChat, To: []byte("x@d"), Raw: []byte("s")})
	out.want("nobody to send it to")
	now = GiveUp.Milliseconds()
	e.Tick()
	if bounced != 1 {
		t.Errorf("%d bounced, want 1", bounced)
	}
}

// TestMembers: an edge that is no longer a member is let go, its sessions too.
func TestMembers(t *testing.T) {
	r := newRig(t)
	r.serve(1, ruleClaims())
	r.l.Members(r.now, []Member{{"a", true}, {"b", true}})
	r.frame(MessageChat, "cb1.d")
	r.want("gone at once", "a DELIVER 1 to a1 error recipient-unavailable")
	r.from("c", Msg{Type: MsgFrame, Frame: &Frame{ID: FrameID{incOf("c"), 1}, Class: MessageChat, To: []byte("romeo@d/orchard")}})
	r.want("it is not heard")
}
