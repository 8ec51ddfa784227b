package router

import "testing"

// bindMsg asks for an address for session num of a node.
func (r *rig) bind(n NodeID, num uint64, jid string) {
	r.from(n, Msg{Type: MsgBind, SID: SID{incOf(n), num}, JID: jid})
}

func (r *rig) unbind(n NodeID, num uint64) {
	r.from(n, Msg{Type: MsgUnbind, SID: SID{incOf(n), num}})
}

func (r *rig) closed(n NodeID, num uint64) {
	r.from(n, Msg{Type: MsgClosed, SID: SID{incOf(n), num}})
}

// TestBind: rule 15 and the stamps of rule 3.
func TestBind(t *testing.T) {
	r := newRig(t)
	r.up("b", "c")
	r.l.Start(r.now, 4)
	r.sync("a", Sync{})
	r.sync("b", Sync{})
	r.take()
	r.bind("a", 1, "u@d/1")
	r.want("before GO")
	r.sync("c", Sync{Claims: []Claim{{SID: SID{incOf("c"), 1}, JID: "v@d/1", Stamp: Stamp{4, 8}}}})
	r.take()
	r.bind("a", 1, "u@d/1")
	r.want("granted, above every stamp of the term", "a BOUND a1 4.9")
	r.bind("a", 1, "u@d/1")
	r.want("asked again", "a BOUND a1 4.9")
	r.bind("b", 1, "u@d/2")
	r.want("another resource", "b BOUND b1 4.10")
}

// TestUnbindBarrier: rule 10. What was on its way when the stream ended comes
// back in front of what came later, and nothing passes before CLOSED.
func TestUnbindBarrier(t *testing.T) {
	r := newRig(t)
	r.serve(1, ruleClaims())
	orchard := SID{incOf("b"), 1}
	r.unbind("b", 1)
	r.want("nothing comes behind it", "b CLOSE b1")
	r.frame(MessageChat, "romeo@d/orchard")
	r.frame(MessageChat, "romeo@d/low")
	r.frame(MessageChat, "cb1.d")
	r.want("held, but for other addresses", "c DELIVER 3 to c2 s3")
	r.requeued("b", 7, orchard, "romeo@d/orchard", "old")
	r.want("held in front")
	r.closed("b", 1)
	r.want("the returned one to who is there now, then the rest",
		"c DELIVER 7 to c1 old", "c DELIVER 1 to c1 s1", "b DELIVER 2 to b2 s2")
	r.unbind("b", 1)
	r.want("an edge that speaks of it again is told to forget it", "b CLOSE b1")
}

// TestReplace: a newer stream has the address, behind the barrier of the older.
func TestReplace(t *testing.T) {
	r := newRig(t)
	r.serve(1, ruleClaims())
	r.bind("a", 5, "cb1.d")
	r.want("the older one has to go", "c CLOSE c2 conflict")
	r.bind("b", 9, "cb1.d")
	r.want("a third one waits too")
	r.frame(MessageChat, "cb1.d")
	r.requeued("c", 4, SID{incOf("c"), 2}, "cb1.d", "old")
	r.want("held")
	r.closed("c", 2)
	r.want("granted, and replaced in turn", "a BOUND a5 1.12", "a CLOSE a5 conflict")
	r.requeued("a", 50, SID{incOf("a"), 5}, "cb1.d", "older")
	r.closed("a", 5)
	r.want("the last one has it all, in order", "b BOUND b9 1.13",
		"b DELIVER 50 to b9 older", "b DELIVER 4 to b9 old", "b DELIVER 1 to b9 s1")
}

// TestReplaceAbsent: a session at an absent edge keeps its address for 2 s.
func TestReplaceAbsent(t *testing.T) {
	r := newRig(t)
	r.serve(1, ruleClaims())
	r.l.LinkDown(r.now, "c", false)
	r.sync("a", Sync{Claims: ruleClaims()["a"]})
	r.sync("b", Sync{Claims: ruleClaims()["b"]})
	r.take()
	r.bind("b", 9, "cb1.d")
	r.want("nobody can be asked")
	r.now += absentHold
	r.l.Tick(r.now)
	r.want("it is gone", "b BOUND b9 1.12", "b PING")
}

// TestReplaceDead: one whose process is proved dead keeps nothing.
func TestReplaceDead(t *testing.T) {
	r := newRig(t)
	r.serve(1, ruleClaims())
	r.bind("b", 9, "cb1.d")
	r.want("asked", "c CLOSE c2 conflict")
	r.l.LinkDown(r.now, "c", true)
	r.want("granted at once", "b BOUND b9 1.12", "a OPEN 1.1", "b OPEN 1.1")
}

// TestConflict: rule 3, of two claims to an address the higher stamp wins.
func TestConflict(t *testing.T) {
	r := newRig(t)
	r.up("b", "c")
	r.l.Start(r.now, 9)
	r.sync("a", Sync{})
	r.sync("c", Sync{Claims: []Claim{{SID: SID{incOf("c"), 1}, JID: "u@d/1", Stamp: Stamp{8, 1}, Available: true}}})
	r.sync("b", Sync{Claims: []Claim{{SID: SID{incOf("b"), 1}, JID: "u@d/1", Stamp: Stamp{7, 30}, Available: true}}})
	r.take()
	r.l.Stop()
	r.take()
	r.l.Start(r.now, 10)
	r.take()
	for n, c := range map[NodeID]Stamp{"b": {7, 30}, "c": {8, 1}} {
		r.sync(n, Sync{Claims: []Claim{{SID: SID{incOf(n), 1}, JID: "u@d/1", Stamp: c, Available: true}}})
	}
	r.sync("a", Sync{})
	r.want("one of them has to go", "a GO 10.0 done [] dead 0", "b GO 10.0 done [] dead 0", "c GO 10.0 done [] dead 0", "b CLOSE b1 conflict")
	if n := r.l.Directory()["u@d/1"]; n != "c" {
		t.Errorf("the address is at %q, want c", n)
	}
}

// TestEdgeCloses: the owner's side of rule 10, and its return of a session that
// was being granted when its stream ended.
func TestEdgeCloses(t *testing.T) {
	out := &rig{t: t}
	e := NewEdge(EdgeConfig{Inc: incOf("b"), Out: out, Now: func() int64 { return 5 },
		Parse: func([]byte) (Class, bool) { return MessageChat, true }})
	ep := Epoch{1, 0}
	in := func(m Msg) {
		m.Epoch = ep
		e.Receive("a", m)
	}
	deliver := func(seq uint64, sid SID, raw string) {
		in(Msg{Type: MsgDeliver, SID: sid, Frame: &Frame{ID: FrameID{incOf("c"), seq}, Low: 1, Raw: []byte(raw)}})
	}
	in(Msg{Type: MsgOpen})
	granted := 0
	x := &box{}
	sid := e.Bind(Client, "u@d/1", false, x, func(ok bool) {
		if ok {
			granted++
		}
	})
	out.want("nothing is asked before GO", "a SYNC 1.0 0 claims 0 seen")
	in(Msg{Type: MsgGo, Go: &Go{}})
	out.want("asked", "a BIND 1 u@d/1")
	in(Msg{Type: MsgBound, SID: sid, Stamp: Stamp{1, 1}})
	in(Msg{Type: MsgBound, SID: sid, Stamp: Stamp{1, 1}})
	if granted != 1 {
		t.Fatalf("granted %d times", granted)
	}
	deliver(1, sid, "unwritten")
	out.want("taken", "a ANSWER 1 ok")
	e.Unbind(sid)
	e.Unbind(sid)
	deliver(2, sid, "boxed")
	out.want("the stream has ended", "a UNBIND 1", "a ANSWER 2 ok")
	in(Msg{Type: MsgClose, SID: sid})
	out.want("it all goes back, in order", "a FRAME 1 to u@d/1 unwritten", "a FRAME 2 to u@d/1 boxed", "a CLOSED 1")
	deliver(3, sid, "late")
	out.want("too late", "a ANSWER 3 gone")
	ep = Epoch{2, 0}
	e.Receive("a", Msg{Type: MsgOpen, Epoch: ep})
	out.want("what is not resolved keeps its claim", "a SYNC 2.0 1 claims 1 seen")
	in(Msg{Type: MsgGo, Go: &Go{Done: []uint64{1}}})
	in(Msg{Type: MsgClose, SID: sid})
	out.want("the rest again", "a FRAME 2 to u@d/1 boxed", "a CLOSED 1")
	in(Msg{Type: MsgResolve, ID: FrameID{incOf("b"), 2}})
	if len(e.Owner.sessions) != 0 {
		t.Error("the session is not forgotten")
	}

	quick := e.Bind(Client, "u@d/2", false, &box{}, func(bool) { t.Error("granted to a stream that has ended") })
	e.Unbind(quick)
	in(Msg{Type: MsgBound, SID: quick, Stamp: Stamp{2, 2}})
	out.want("given back", "a BIND 2 u@d/2", "a UNBIND 2")
	in(Msg{Type: MsgClose, SID: quick})
	out.want("closed", "a CLOSED 2")
}

// TestEdgeFull: rule 7, a session over its bound is closed, never waited for.
func TestEdgeFull(t *testing.T) {
	out := &rig{t: t}
	e := NewEdge(EdgeConfig{Inc: incOf("b"), Out: out, Now: func() int64 { return 5 }})
	ep := Epoch{1, 0}
	e.Receive("a", Msg{Type: MsgOpen, Epoch: ep})
	e.Receive("a", Msg{Type: MsgGo, Epoch: ep, Go: &Go{}})
	x := &box{}
	sid := e.Bind(Client, "u@d/1", false, x, func(bool) {})
	e.Receive("a", Msg{Type: MsgBound, Epoch: ep, SID: sid})
	out.take()
	x.full = true
	e.Receive("a", Msg{Type: MsgDeliver, Epoch: ep, SID: sid, Frame: &Frame{ID: FrameID{incOf("c"), 1}, Low: 1}})
	out.want("told at once", "a ANSWER 1 full", "a UNBIND 1")
	if len(x.shut) != 1 || x.shut[0] != "resource-constraint" {
		t.Errorf("the stream was shut with %q", x.shut)
	}
}

// TestEdgeFence: rule 1, an edge ignores what is not of its own epoch.
func TestEdgeFence(t *testing.T) {
	out := &rig{t: t}
	e := NewEdge(EdgeConfig{Inc: incOf("b"), Out: out, Now: func() int64 { return 5 }})
	e.Receive("c", Msg{Type: MsgOpen, Epoch: Epoch{5, 2}})
	out.take()
	for _, from := range []NodeID{"a", "c"} {
		for _, ep := range []Epoch{{4, 9}, {5, 1}, {5, 2}, {5, 3}, {6, 0}} {
			if from == "c" && ep == (Epoch{5, 2}) {
				continue
			}
			for _, m := range []Msg{{Type: MsgGo, Go: &Go{}}, {Type: MsgPing}, {Type: MsgStop},
				{Type: MsgDeliver, Frame: &Frame{ID: FrameID{Seq: 1}}}, {Type: MsgClose, SID: SID{N: 1}}} {
				m.Epoch = ep
				e.Receive(from, m)
			}
			if _, _, open := e.Leader(); open {
				t.Fatalf("opened by %s in epoch %v", from, ep)
			}
		}
		out.want("ignored")
	}
	for _, ep := range []Epoch{{1, 7}, {5, 1}} {
		e.Receive("a", Msg{Type: MsgOpen, Epoch: ep})
		out.want("an older epoch does not open")
	}
	e.Receive("a", Msg{Type: MsgOpen, Epoch: Epoch{5, 3}})
	out.want("a newer one does", "a SYNC 5.3 0 claims 0 seen")
}
