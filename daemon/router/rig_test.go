package router

import (
	"fmt"
	"strings"
	"testing"

	"quorate.org/daemon/replica"
)

// rig is a leader machine on node a with the edges of b and c scripted by hand.
type rig struct {
	t    *testing.T
	l    *Leader
	now  int64
	seq  uint64
	sent []posted

	store   *replica.State
	asked   []replica.Command // on their way to it
	entries uint64
}

type posted struct {
	to NodeID
	m  Msg
}

func (r *rig) Send(to NodeID, m Msg) { r.sent = append(r.sent, posted{to, m}) }

// incOf is the incarnation of a node in these tests.
func incOf(n NodeID) Inc { return Inc{n[0]} }

func newRig(t *testing.T) *rig {
	r := &rig{t: t, now: 1_000_000, store: replica.New()}
	r.l = NewLeader("a", &Rules{
		Serves:    func(d []byte) bool { return string(d) == "d" },
		State:     func() *replica.State { return r.store },
		Propose:   func(c replica.Command) { r.asked = append(r.asked, c) },
		Component: func(d []byte) bool { return string(d) == "cb1.d" || string(d) == "cb2.d" },
		Answer: func(f *Frame) []byte {
			if to := string(f.To); to == "" || to == "d" || to == "juliet@d" {
				return []byte("result")
			}
			return nil
		},
		Error: func(_ *Frame, c Condition) (raw, to []byte) { return []byte("error " + c), []byte("juliet@d/chamber") },
	}, r)
	r.l.Members(r.now, []Member{{"a", true}, {"b", true}, {"c", true}})
	return r
}

// take returns what was sent since the last call, one line per message, ALIVE
// left out: presence_test.go looks at that.
func (r *rig) take() []string {
	var lines []string
	for _, p := range r.sent {
		if p.m.Type == MsgAlive || p.m.Type == MsgMirror {
			continue
		}
		lines = append(lines, string(p.to)+" "+describe(p.m))
	}
	r.sent = nil
	return lines
}

func describe(m Msg) string {
	switch m.Type {
	case MsgOpen:
		return fmt.Sprintf("OPEN %d.%d", m.Epoch.Term, m.Epoch.K)
	case MsgSync:
		return fmt.Sprintf("SYNC %d.%d %d claims %d seen", m.Epoch.Term, m.Epoch.K, len(m.Sync.Claims), len(m.Sync.Seen))
	case MsgGo:
		return fmt.Sprintf("GO %d.%d done %v dead %d", m.Epoch.Term, m.Epoch.K, m.Go.Done, len(m.Go.Dead))
	case MsgFrame:
		return fmt.Sprintf("FRAME %d to %s %s", m.Frame.ID.Seq, m.Frame.To, m.Frame.Raw)
	case MsgDeliver:
		return fmt.Sprintf("DELIVER %d to %c%d %s", m.Frame.ID.Seq, m.SID.Inc[0], m.SID.N, m.Frame.Raw)
	case MsgAnswer:
		return fmt.Sprintf("ANSWER %d %s", m.ID.Seq, [...]string{"ok", "gone", "full", "hidden", "busy"}[m.Verdict])
	case MsgResolve:
		return fmt.Sprintf("RESOLVE %d", m.ID.Seq)
	case MsgBind:
		return fmt.Sprintf("BIND %d %s", m.SID.N, m.JID)
	case MsgBound:
		return fmt.Sprintf("BOUND %c%d %d.%d", m.SID.Inc[0], m.SID.N, m.Stamp.Term, m.Stamp.Counter)
	case MsgUnbind:
		return fmt.Sprintf("UNBIND %d", m.SID.N)
	case MsgClose:
		return strings.TrimRight(fmt.Sprintf("CLOSE %c%d %s", m.SID.Inc[0], m.SID.N, m.Reason), " ")
	case MsgForget:
		return fmt.Sprintf("FORGET %c%d", m.SID.Inc[0], m.SID.N)
	case MsgClosed:
		return fmt.Sprintf("CLOSED %d", m.SID.N)
	}
	return [...]string{MsgPing: "PING", MsgPong: "PONG", MsgStop: "STOP"}[m.Type]
}

// want checks what was sent since the last look, in order.
func (r *rig) want(what string, lines ...string) {
	r.t.Helper()
	got := r.take()
	if strings.Join(got, "\n") != strings.Join(lines, "\n") {
		r.t.Fatalf("%s:\n got  %s\n want %s", what, strings.Join(got, " | "), strings.Join(lines, " | "))
	}
}

// apply has the store take what it was asked, without a word to the leader.
func (r *rig) apply() []replica.Command {
	r.t.Helper()
	list := r.asked
	r.asked = nil
	for _, c := range list {
		r.entries++
		next, err := r.store.Apply(r.entries, c)
		if err != nil {
			r.t.Fatalf("%s: %v", c.Op, err)
		}
		r.store = next
	}
	return list
}

// commit has the store take what it was asked, and tells the leader.
func (r *rig) commit() { r.l.Committed(r.now, r.apply()) }

// up links the other nodes.
func (r *rig) up(nodes ...NodeID) {
	for _, n := range nodes {
		r.l.LinkUp(r.now, n)
	}
}

// from hands the leader a message of an edge, in the current epoch.
func (r *rig) from(n NodeID, m Msg) {
	m.Epoch = r.l.epoch
	r.l.Receive(r.now, n, m)
}

func (r *rig) sync(n NodeID, y Sync) {
	y.Inc = incOf(n)
	r.from(n, Msg{Type: MsgSync, Sync: &y})
}

// claim is a live session of a node, bound in term 1.
func claim(n NodeID, num uint64, jid string, counter uint64) Claim {
	c := Claim{SID: SID{incOf(n), num}, JID: jid, Stamp: Stamp{1, counter}, Available: true}
	if !strings.Contains(jid, "@") {
		c.Kind, c.Available = Component, false
	}
	return c
}

// serve opens a reign over all three nodes with the given sessions.
func (r *rig) serve(term uint64, claims map[NodeID][]Claim) {
	r.t.Helper()
	r.up("b", "c")
	r.l.Start(r.now, term)
	for _, n := range []NodeID{"a", "b", "c"} {
		r.sync(n, Sync{Claims: claims[n]})
	}
	if _, ok := r.l.Serving(); !ok {
		r.t.Fatal("the leader does not serve")
	}
	r.take()
}

// frame hands the leader a stanza of juliet@d/chamber, session a1.
func (r *rig) frame(c Class, to string) uint64 {
	r.seq++
	r.from("a", Msg{Type: MsgFrame, Frame: &Frame{ID: FrameID{incOf("a"), r.seq}, Low: 1, Lane: SID{incOf("a"), 1},
		LaneSeq: r.seq, Class: c, To: []byte(to), Raw: fmt.Appendf(nil, "s%d", r.seq)}})
	return r.seq
}

// requeued hands the leader a stanza that a closing session returns.
func (r *rig) requeued(n NodeID, seq uint64, sid SID, to, raw string) {
	r.from(n, Msg{Type: MsgFrame, Frame: &Frame{ID: FrameID{incOf(n), seq}, Low: 1, Requeue: sid,
		Class: MessageChat, To: []byte(to), Raw: []byte(raw)}})
}

func (r *rig) answer(n NodeID, seq uint64, sid SID, v Verdict) {
	r.from(n, Msg{Type: MsgAnswer, ID: FrameID{incOf("a"), seq}, SID: sid, Verdict: v})
}
