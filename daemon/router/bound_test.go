package router

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bounded is an edge whose clients may miss so many bytes together, open for traffic.
type bounded struct {
	*Edge
	t    *testing.T
	out  *rig
	ep   Epoch
	seq  uint64
	sids map[string]SID
	box  map[string]*box
}

func newBounded(t *testing.T, total int) *bounded {
	b := &bounded{t: t, out: &rig{t: t}, ep: Epoch{1, 0}, sids: make(map[string]SID), box: make(map[string]*box)}
	b.Edge = NewEdge(EdgeConfig{Inc: incOf("b"), Out: b.out, Now: func() int64 { return 5 }, Limits: Limits{Queues: total}})
	b.in(Msg{Type: MsgOpen})
	b.in(Msg{Type: MsgGo, Go: &Go{}})
	return b
}

func (b *bounded) in(m Msg) {
	m.Epoch = b.ep
	b.Receive("a", m)
}

// enter binds a client that can resume, or one that only counts.
func (b *bounded) enter(name string, bound int, resumes bool) SID {
	how := Resumable{}
	if resumes {
		how = Resumable{Token: name, Patience: 1000, Bound: bound}
	}
	b.box[name] = &box{}
	sid := b.BindResumable(Client, name+"@d/x", false, how, b.box[name], func(bool) {})
	b.in(Msg{Type: MsgBound, SID: sid})
	if !resumes && !b.Count(sid, bound) {
		b.t.Fatalf("%s can not count", name)
	}
	b.sids[name] = sid
	return sid
}

func (b *bounded) deliver(name string, size int) {
	b.seq++
	b.in(Msg{Type: MsgDeliver, SID: b.sids[name], Frame: &Frame{ID: FrameID{incOf("c"), b.seq}, Low: 1, Raw: make([]byte, size)}})
}

// left lists the sessions that live.
func (b *bounded) left(names ...string) (list []string) {
	for _, name := range names {
		if s := b.Owner.sessions[b.sids[name]]; s != nil && s.state == live {
			list = append(list, name)
		}
	}
	return list
}

// TestQueueOfOwnWords: what an edge itself says to a client that counts is bounded and
// counted like everything else, also to one that can not resume.
func TestQueueOfOwnWords(t *testing.T) {
	for what, say := range map[string]func(b *bounded, sid SID){
		"answers": func(b *bounded, sid SID) {
			for i := range 50 {
				b.Answer(sid, uint64(i+1), make([]byte, 20<<10))
			}
		},
		"ghosts": func(b *bounded, sid SID) {
			shown := make(map[string]SID)
			for i := range 2000 {
				shown[fmt.Sprintf("u%d@d/%s", i, strings.Repeat("x", 100))] = SID{incOf("z"), uint64(i)}
			}
			b.Owner.sessions[sid].Shown = shown
			b.in(Msg{Type: MsgAlive, Go: &Go{Sure: true}})
		},
	} {
		b := newBounded(t, 1<<20)
		sid := b.enter("u", 64<<10, false)
		say(b, sid)
		if got := b.box["u"].shut; len(got) != 1 || got[0] != "resource-constraint" {
			t.Errorf("%s past the bound: the stream ends with %q", what, got)
		}
		if k := b.Owner.Kept(); k.Bytes != 0 || k.Reached.Queue != 1 {
			t.Errorf("%s past the bound: %+v", what, k)
		}

		b = newBounded(t, 1<<20)
		sid = b.enter("u", 1<<19, false)
		b.Answer(sid, 1, make([]byte, 1000))
		if k := b.Owner.Kept(); k.Bytes < 1000 {
			t.Errorf("one answer: %+v", k)
		}
		if !b.Acked(sid, 1) || b.Owner.Kept().Bytes != 0 {
			t.Errorf("when the client has it: %+v", b.Owner.Kept())
		}
	}
}

// TestTotalEndsTheLargest: past xmpp.resume_total it is not the one that happens to
// receive that ends, but the one that holds the most; what waits without a stream
// counts twice.
func TestTotalEndsTheLargest(t *testing.T) {
	b := newBounded(t, 100<<10)
	for _, name := range []string{"hog", "away", "victim", "small"} {
		b.enter(name, 64<<10, true)
	}
	b.Detach(b.sids["away"])
	b.Detach(b.sids["small"])
	b.deliver("hog", 48<<10)
	b.deliver("away", 30<<10)
	b.deliver("small", 10<<10)
	for _, c := range []struct {
		size int
		want []string
	}{
		{8 << 10, []string{"hog", "away", "victim", "small"}},
		{8 << 10, []string{"hog", "victim", "small"}},
		{40 << 10, []string{"victim", "small"}},
	} {
		b.deliver("victim", c.size)
		if d := cmp.Diff(c.want, b.left("hog", "away", "victim", "small")); d != "" {
			t.Errorf("%d bytes more (-want +got)\n%s", c.size, d)
		}
		if k := b.Owner.Kept(); k.Bytes > 100<<10 || k.Bytes < 0 {
			t.Errorf("%+v", k)
		}
	}
	if k := b.Owner.Kept(); k.Reached.Total != 2 || k.Reached.Queue != 0 {
		t.Errorf("counted: %+v", k)
	}
}

// TestAdoptionIsBounded: a node that takes over the sessions of a full one ends the
// largest until what is left is within xmpp.resume_total.
func TestAdoptionIsBounded(t *testing.T) {
	b := newBounded(t, 100<<10)
	b.enter("own", 64<<10, true)
	b.deliver("own", 20<<10)
	for i := range 10 {
		size := 5 << 10
		if i == 3 || i == 7 {
			size = 50 << 10
		}
		name := fmt.Sprint("orphan", i)
		r := &Record{}
		r.put(Entry{ID: FrameID{incOf("c"), uint64(1000 + i)}, Raw: make([]byte, size)})
		b.sids[name] = SID{incOf("c"), uint64(i + 1)}
		b.in(Msg{Type: MsgAdopt, Claim: &Claim{SID: b.sids[name], JID: name + "@d/x", Token: name, Bound: 64 << 10, Gen: 1, Record: r}})
		if k := b.Owner.Kept(); k.Bytes > 100<<10 {
			t.Fatalf("behind %s: %+v", name, k)
		}
	}
	if got := b.left("own", "orphan3", "orphan7"); !cmp.Equal(got, []string{"own"}) {
		t.Errorf("of the large ones and the own one there are %q", got)
	}
	if got := b.left("orphan0", "orphan1", "orphan2", "orphan4", "orphan5", "orphan6", "orphan8", "orphan9"); len(got) != 8 {
		t.Errorf("of the small ones there are %q", got)
	}
}

// TestResumedTwice: who asks for a session that is on its way to another asker gets it,
// and the other one is refused at once, not when its patience ends.
func TestResumedTwice(t *testing.T) {
	r := newRig(t)
	c := claim("b", 1, "juliet@d/x", 1)
	c.Token, c.Record = "token", &Record{}
	r.serve(1, map[NodeID][]Claim{"b": {c}})
	first, second := SID{incOf("a"), 100}, SID{incOf("c"), 200}
	r.from("a", Msg{Type: MsgResume, SID: first, Token: "token", JID: "juliet@d"})
	r.from("c", Msg{Type: MsgResume, SID: second, Token: "token", JID: "juliet@d"})
	refused := false
	for _, p := range r.sent {
		refused = refused || p.to == "a" && p.m.Type == MsgResumed && p.m.SID == first && p.m.Reason != ""
	}
	if !refused {
		t.Error("the first asker is not refused")
	}
	r.from("b", Msg{Type: MsgHalted, SID: c.SID})
	r.from("b", Msg{Type: MsgYielded, SID: c.SID})
	if last := r.sent[len(r.sent)-1]; last.to != "c" || last.m.Type != MsgAdopt || last.m.For != second {
		t.Errorf("in the end %s gets %+v", last.to, last.m)
	}
}

// TestPresenceIsBounded: a report has room for who is there, whoever shows how much;
// the sessions that show the most end.
func TestPresenceIsBounded(t *testing.T) {
	b := newBounded(t, 0)
	var names []string
	for i := range 60 {
		name := fmt.Sprintf("u%d", i)
		names = append(names, name)
		sid := b.enter(name, 1<<20, i%2 == 0)
		size := 200 << 10
		if i < 20 {
			size = 300
		}
		b.Submit(&Frame{Class: PresenceAvailable, Lane: sid, LaneSeq: 1, Raw: make([]byte, size)})
	}
	b.swept = -tendEvery
	b.Tick()
	left := b.left(names...)
	if len(left) != 20+40 { // 8 MB are less than there may be
		t.Fatalf("%d are left", len(left))
	}
	for i, name := range names {
		b.Submit(&Frame{Class: PresenceAvailable, Lane: b.sids[name], LaneSeq: 2, Raw: make([]byte, max(300, (i-19)*10<<10))})
	}
	b.swept = -tendEvery
	b.Tick()
	if total := b.Owner.total(); total > maxThere || len(b.left(names[:45]...)) != 45 || len(b.left(names[59:]...)) != 0 {
		t.Errorf("%d bytes in a report, %d are left, %d of the small ones", total, len(b.left(names...)), len(b.left(names[:45]...)))
	}
}

func (o *Owner) total() (n int) {
	for _, s := range o.sessions {
		n += s.there()
	}
	return n
}
