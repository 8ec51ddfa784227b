package router

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/replica"
)

// accounts gives the rig's store its domain and accounts.
func (r *rig) accounts(names ...string) {
	r.asked = append(r.asked, replica.SetDomain("d"))
	for _, n := range names {
		keys := func(size int) replica.Keys {
			return replica.Keys{Iterations: 1, Salt: []byte("s"), StoredKey: make([]byte, size), ServerKey: make([]byte, size)}
		}
		r.asked = append(r.asked, replica.SetAccount(replica.Account{Name: n, SHA1: keys(20), SHA256: keys(32)}))
	}
	r.apply()
}

// stanza hands the leader what juliet@d/chamber, session a1, sends.
func (r *rig) stanza(seq uint64, c Class, to, raw string) {
	f := &Frame{ID: FrameID{incOf("a"), seq}, Low: 1, Lane: SID{incOf("a"), 1}, LaneSeq: seq, Class: c, To: []byte(to), Raw: []byte(raw)}
	if strings.Contains(raw, "jabber:iq:roster") {
		f.Mark = MarkRoster
	}
	r.from("a", Msg{Type: MsgFrame, Frame: f})
}

const rosterSet = "<iq from='juliet@d/chamber' type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='nurse@d'/></query></iq>"

// kinds lists what was sent since the last look: message, receiver and number.
func (r *rig) kinds() (list []string) {
	for _, p := range r.sent {
		switch p.m.Type {
		case MsgDeliver:
			list = append(list, string(p.to)+" DELIVER "+r.l.sessions[p.m.SID].JID+" "+string(p.m.Frame.Raw[1:3]))
		case MsgResolve:
			list = append(list, string(p.to)+" RESOLVE")
		}
	}
	r.sent = nil
	return list
}

// A frame whose command is on its way when an epoch ends, and that comes again in
// the next, waits for it: one command, one answer.
func TestCommandOutlivesItsEpoch(t *testing.T) {
	r := newRig(t)
	r.accounts("juliet")
	r.serve(1, ruleClaims())
	r.stanza(1, IQSet, "", rosterSet)
	r.stanza(2, MessageChat, "romeo@d/orchard", "<message from='juliet@d/chamber'/>")
	if got := r.kinds(); len(got) != 0 || len(r.asked) != 1 {
		t.Fatalf("%d commands, sent %v", len(r.asked), got)
	}
	r.l.LinkDown(r.now, "c", true)
	for _, n := range []NodeID{"a", "b"} {
		r.sync(n, Sync{Claims: ruleClaims()[n]})
	}
	r.kinds()
	r.stanza(1, IQSet, "", rosterSet)
	r.stanza(2, MessageChat, "romeo@d/orchard", "<message from='juliet@d/chamber'/>")
	if got := r.kinds(); len(got) != 0 || len(r.asked) != 1 {
		t.Fatalf("sent again: %d commands, sent %v", len(r.asked), got)
	}
	r.commit()
	if d := cmp.Diff([]string{"a DELIVER juliet@d/chamber iq", "b DELIVER romeo@d/orchard me"}, r.kinds()); d != "" {
		t.Error(d)
	}
	r.l.Start(r.now, 2)
	for _, n := range []NodeID{"a", "b"} {
		r.sync(n, Sync{Claims: ruleClaims()[n]})
	}
	r.kinds()
	r.stanza(1, IQSet, "", rosterSet)
	if got := r.kinds(); len(got) != 1 || len(r.asked) != 0 {
		t.Errorf("in the next term: %d commands, sent %v", len(r.asked), got)
	}
}

// A command whose fate is unknown is asked for again, behind nothing of its lane.
func TestUncommittedIsAskedAgain(t *testing.T) {
	r := newRig(t)
	r.accounts("juliet", "gone")
	r.serve(1, ruleClaims())
	r.stanza(1, MessageChat, "gone@d", "<message from='juliet@d/chamber'><body>1</body></message>")
	r.stanza(2, MessageChat, "gone@d", "<message from='juliet@d/chamber'><body>2</body></message>")
	for range 3 {
		first := r.asked
		r.asked = nil
		r.l.Uncommitted(first)
		r.now += 20
		r.from("b", Msg{Type: MsgPong})
		r.l.Tick(r.now)
		if len(r.asked) != 1 || string(r.asked[0].Raw) != string(first[0].Raw) {
			t.Fatalf("asked for %d", len(r.asked))
		}
	}
	r.commit()
	r.commit()
	if list := r.store.User("gone@d").Offline; len(list) != 2 || !strings.Contains(string(list[0].Raw), "<body>1<") {
		t.Errorf("kept %d", len(list))
	}
}

// What was held for its recipient and comes to a lane that waits takes its place
// among what its session sent.
func TestLaneKeepsNumbers(t *testing.T) {
	frame := func(n uint64) *Frame { return &Frame{LaneSeq: n} }
	ln := &lane{queue: []*Frame{frame(3)}}
	for _, n := range []uint64{5, 6, 2, 4, 0} {
		ln.add(frame(n))
	}
	var got []uint64
	for _, f := range ln.queue {
		got = append(got, f.LaneSeq)
	}
	if !slices.Equal(got, []uint64{3, 2, 4, 5, 6, 0}) { // the first one waits for the store and stays where it is
		t.Errorf("%v", got)
	}
}

// Of a broadcast only the parts that were not accepted are repeated (rule 3).
func TestBroadcastResumes(t *testing.T) {
	r := newRig(t)
	r.serve(1, ruleClaims())
	send := func() (to []string, subs []uint64) {
		r.seq++
		r.from("b", Msg{Type: MsgFrame, Frame: &Frame{ID: FrameID{incOf("b"), 1}, Low: 1, Lane: SID{incOf("b"), 1}, LaneSeq: 1,
			Class: PresenceAvailable, Mark: MarkTurn, Raw: []byte("<presence from='romeo@d/orchard'/>")}})
		for _, p := range r.sent {
			if p.m.Type == MsgDeliver {
				to, subs = append(to, r.l.sessions[p.m.SID].JID), append(subs, p.m.Sub)
			}
		}
		r.sent = nil
		return to, subs
	}
	to, subs := send()
	if d := cmp.Diff([]string{"romeo@d/orchard", "romeo@d/low", "romeo@d/neg", "romeo@d/balcony"}, to); d != "" {
		t.Fatal(d)
	}
	r.l.Start(r.now, 2)
	for n, c := range ruleClaims() {
		y := Sync{Claims: c}
		if n == "b" {
			y.Seen = []Seen{{Inc: incOf("b"), Low: 1, Subs: []SubSeq{{1, subs[0]}, {1, subs[2]}}}}
		}
		r.sync(n, y)
	}
	r.sent = nil
	slices.Sort(to)
	again, _ := send()
	slices.Sort(again)
	if d := cmp.Diff([]string{"romeo@d/balcony", "romeo@d/low"}, again); d != "" {
		t.Error(d)
	}
}

// Rule 12: while an absent member's incarnation is not known nobody is declared
// gone; when it is given up, all are told who is left.
func TestAliveIsToldWhenSure(t *testing.T) {
	r := newRig(t)
	r.up("b")
	r.l.Start(r.now, 1)
	r.sync("a", Sync{})
	r.sync("b", Sync{})
	heard := func() (list []string) {
		for _, p := range r.sent {
			if p.m.Type == MsgGo || p.m.Type == MsgAlive {
				var live []byte
				for _, inc := range p.m.Go.Live {
					live = append(live, inc[0])
				}
				list = append(list, string(p.to)+" "+string(live)+map[bool]string{true: " sure", false: ""}[p.m.Go.Sure])
			}
		}
		r.sent = nil
		return list
	}
	if d := cmp.Diff([]string{"a ab", "b ab"}, heard()); d != "" {
		t.Errorf("GO: %s", d)
	}
	r.now += absentHold
	r.from("b", Msg{Type: MsgPong})
	r.l.Tick(r.now)
	r.l.Tick(r.now + 20)
	if d := cmp.Diff([]string{"a ab sure", "b ab sure"}, heard()); d != "" {
		t.Errorf("ALIVE: %s", d)
	}
}

// A message that is on its way into the store when its recipient becomes
// available is delivered from there, and not beside it.
func TestRecipientTurnsUpWhileMessageIsStored(t *testing.T) {
	r := newRig(t)
	r.accounts("juliet", "away")
	r.serve(1, ruleClaims())
	r.stanza(1, MessageChat, "away@d", "<message from='juliet@d/chamber'><body>1</body></message>")
	r.stanza(2, MessageChat, "away@d", "<message from='juliet@d/chamber'><body>2</body></message>")
	r.from("c", Msg{Type: MsgFrame, Frame: &Frame{ID: FrameID{incOf("c"), 1}, Low: 1, Lane: SID{incOf("c"), 3}, LaneSeq: 1,
		Class: PresenceAvailable, Mark: MarkTurn, Raw: []byte("<presence from='away@d/x'/>")}})
	r.kinds()
	r.commit()
	var got []string
	for _, p := range r.sent {
		if p.m.Type == MsgDeliver {
			got = append(got, fmt.Sprintln(r.l.sessions[p.m.SID].JID, p.m.Frame.ID.Inc == StoreInc, strings.Contains(string(p.m.Frame.Raw), "<delay")))
		}
	}
	if d := cmp.Diff([]string{"away@d/x true true\n", "away@d/x false false\n"}, got); d != "" {
		t.Error(d) // the second one, behind it in its lane, needs no store any more
	}
}

// What a session took from the offline store it does not get again: the leader
// knows by SYNC, and else the session's owner does.
func TestStoredMessagesComeOnce(t *testing.T) {
	r := newRig(t)
	r.accounts("juliet", "romeo")
	for i := range uint64(3) {
		r.asked = append(r.asked, replica.AddOffline(replica.Effect{Seq: i + 1, Low: 1}, "romeo@d", []byte("<message/>")))
	}
	r.apply()
	claims := ruleClaims()
	claims["c"][0].Offline = r.store.User("romeo@d").Offline[1].Index // the second of three
	r.up("b", "c")
	r.l.Start(r.now, 1)
	for _, n := range []NodeID{"a", "b", "c"} {
		r.sync(n, Sync{Claims: claims[n]})
	}
	var got []uint64
	for _, p := range r.sent {
		if p.m.Type == MsgDeliver {
			got = append(got, p.m.Frame.ID.Seq)
		}
	}
	if want := r.store.User("romeo@d").Offline[2].Index; !slices.Equal(got, []uint64{want}) {
		t.Errorf("delivered %v, want %d", got, want)
	}

	o := NewOwner()
	out := &box{}
	o.sessions[SID{Inc{1}, 1}] = &owned{Claim: Claim{SID: SID{Inc{1}, 1}, Record: &Record{}}, state: live, sink: out}
	for _, index := range []uint64{5, 6, 6, 5, 7} {
		if v, _ := o.Deliver(&Frame{ID: FrameID{StoreInc, index}, Raw: []byte{byte(index)}}, SID{Inc{1}, 1}, 0); v != Accepted {
			t.Errorf("message %d: %v", index, v)
		}
	}
	if d := cmp.Diff([][]byte{{5}, {6}, {7}}, out.got); d != "" {
		t.Error(d)
	}
	y := &Sync{}
	o.Report(y)
	if y.Claims[0].Offline != 7 {
		t.Errorf("reported %d", y.Claims[0].Offline)
	}
	if v, _ := o.Deliver(&Frame{ID: FrameID{StoreInc, 8}}, SID{Inc{1}, 2}, 0); v != Gone {
		t.Errorf("to no session: %v", v)
	}
}
