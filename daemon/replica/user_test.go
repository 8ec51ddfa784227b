package replica

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/im"
	"quorate.org/daemon/pep"
	"quorate.org/daemon/stanza"
)

const alice, bob = "alice@meet.example", "bob@meet.example"

// people is a cluster with two accounts.
func people(t testing.TB) *State { return after(t, cluster(t), SetAccount(account("bob", 2))) }

// of names the effect of a stanza of a source.
func of(source byte, seq, low uint64) Effect {
	return Effect{Inc: Source{source}, Seq: seq, Low: low}
}

func ask(e Effect, from, to string, typ im.Type) Command {
	return ApplySubscription(e, im.Request{From: from, To: to, Type: typ, Raw: []byte("raw")})
}

// TestM5_5_EffectsOnce: a stanza that comes again changes nothing, and its
// outcome is still known (cluster-protocol rule 9).
func TestM5_5_EffectsOnce(t *testing.T) {
	for _, c := range []Command{
		SetRosterItem(of(1, 7, 5), alice, bob, "Bob", nil),
		RemoveRosterItem(of(1, 7, 5), alice, "nobody@meet.example"),
		ask(of(1, 7, 5), alice, bob, im.Subscribe),
		AddOffline(of(1, 7, 5), bob, []byte("<message/>")),
		Block(of(1, 7, 5), bob, []string{alice}),
		Unblock(of(1, 7, 5), bob, nil),
		SetPrivate(of(1, 7, 5), bob, map[string][]byte{"a b": []byte("<b xmlns='a'>x</b>")}),
		SetVCard(of(1, 7, 5), bob, []byte("<vCard xmlns='vcard-temp'>x</vCard>")),
		EnablePush(of(1, 7, 5), bob, im.Target{JID: "cb1.meet.example", Node: "n", Name: "q1"}),
		DisablePush(of(1, 7, 5), bob, "cb1.meet.example", ""),
		Leave(of(1, 7, 5), bob, 1000, []byte("<presence/>")),
		ChangeService(of(1, 7, 5), alice, alice, pep.Change{Act: pep.Publish, Node: "n", Item: pep.Item{ID: "1"}}),
		LearnCaps(of(1, 7, 5), alice, "sha-1:x", []string{"n"}),
		SetPrefs(of(1, 7, 5), alice, im.Prefs{Default: im.Always}),
	} {
		s := after(t, people(t), c)
		first, known := s.Outcome(*c.Effect)
		again, err := s.Apply(s.Version+1, c)
		if err != nil || again != s || !known {
			t.Errorf("%s again: %v, changed %v, known %v", c.Op, err, again != s, known)
		}
		s = after(t, s, SetRosterItem(of(1, 8, 7), alice, "carol@meet.example", "", nil))
		if second, known := s.Outcome(*c.Effect); !known || !cmp.Equal(first, second) {
			t.Errorf("%s: outcome became %+v", c.Op, second)
		}
		s = after(t, s, SetRosterItem(of(1, 9, 8), alice, "dora@meet.example", "", nil))
		if _, known := s.Outcome(*c.Effect); known {
			t.Errorf("%s: its outcome is kept for ever", c.Op)
		}
		if late, _ := s.Apply(s.Version+1, c); late != s {
			t.Errorf("%s: a frame that its source has forgotten is applied", c.Op)
		}
	}
}

func TestOutcomes(t *testing.T) {
	s := people(t)
	for i, c := range []struct {
		command Command
		refused stanza.Condition
	}{
		{SetRosterItem(of(1, 1, 1), "nobody@meet.example", bob, "", nil), stanza.ItemNotFound},
		{RemoveRosterItem(of(1, 2, 1), alice, bob), stanza.ItemNotFound},
		{AddOffline(of(1, 3, 1), "nobody@meet.example", []byte("m")), stanza.ServiceUnavailable},
		{SetVCard(of(1, 6, 1), bob, make([]byte, im.DefaultLimits.VCard+1)), stanza.ResourceConstraint},
		{SetPrivate(of(1, 7, 1), bob, map[string][]byte{"a b": make([]byte, im.DefaultLimits.Private)}), stanza.ResourceConstraint},
		{Block(of(1, 5, 1), "nobody@meet.example", []string{bob}), stanza.ItemNotFound},
		{AddOffline(of(1, 4, 1), bob, make([]byte, im.DefaultLimits.Stored+1)), stanza.ServiceUnavailable},
	} {
		s = after(t, s, c.command)
		if out, ok := s.Outcome(*c.command.Effect); !ok || out.Refused != c.refused {
			t.Errorf("%d, %s: %q, want %q", i, c.command.Op, out.Refused, c.refused)
		}
	}
	if s.Users.Len() != 0 {
		t.Errorf("refusals left %d users", s.Users.Len())
	}
}

func TestSubscriptionOfAComponent(t *testing.T) {
	s := after(t, people(t), ask(of(1, 1, 1), alice, "cb1.meet.example", im.Subscribe))
	out, _ := s.Outcome(of(1, 1, 1))
	if d := cmp.Diff([]im.Effects{{Type: im.Subscribe, UserPush: true, Route: true}}, out.Effects); d != "" {
		t.Error(d)
	}
	s = after(t, s, ask(of(2, 1, 1), "cb1.meet.example", alice, im.Subscribed))
	if got := s.User(alice).Contact("cb1.meet.example").State; got != im.To {
		t.Errorf("state %05b", got)
	}
	if s.Users.Len() != 1 {
		t.Error("a component has a roster")
	}
}

func TestBatch(t *testing.T) {
	s := after(t, people(t), Batch([]Command{
		AddOffline(of(1, 1, 1), bob, []byte("one")),
		DeleteAccount("nobody"), // refused, which concerns no other
		AddOffline(of(1, 2, 1), bob, []byte("two")),
		AddOffline(of(1, 2, 1), bob, []byte("two")),
	}))
	list := s.User(bob).Offline
	if len(list) != 2 || list[0].Index >= list[1].Index {
		t.Fatalf("%+v", list)
	}
	s = after(t, s, DeleteOffline(bob, list[0].Index))
	if left := s.User(bob).Offline; len(left) != 1 || string(left[0].Raw) != "two" {
		t.Errorf("%+v", left)
	}
	if s = after(t, s, DeleteOffline(bob, list[1].Index)); s.User(bob) != nil {
		t.Errorf("an account with nothing is kept: %+v", s.User(bob))
	}
	if _, err := s.Apply(99, Batch([]Command{Batch(nil)})); err == nil {
		t.Error("a batch within a batch")
	}
}

// A deleted account leaves the rosters of others without a subscription.
func TestDeletedAccountLeavesRosters(t *testing.T) {
	s := after(t, people(t), ask(of(1, 1, 1), alice, bob, im.Subscribe), ask(of(2, 1, 1), bob, alice, im.Subscribed),
		AddOffline(of(1, 2, 1), alice, []byte("m")), DeleteAccount("alice"))
	if s.User(alice) != nil {
		t.Errorf("left: %+v", s.User(alice))
	}
	if it := s.User(bob).Contact(alice); it.State != im.None || !it.Listed {
		t.Errorf("at bob: %+v", it)
	}
}

// Users go with their accounts into a cluster, and versions only grow.
func TestUsersMoveWithTheStore(t *testing.T) {
	brings := standalone(t, SetDomain("meet.example"), SetAccount(account("carol", 3)), SetAccount(account("alice", 1)))
	for i := range uint64(20) {
		brings = after(t, brings, SetRosterItem(of(9, i+1, 1), "carol@meet.example", fmt.Sprintf("c%d@meet.example", i), "", nil),
			SetRosterItem(of(8, i+1, 1), alice, fmt.Sprintf("c%d@meet.example", i), "", nil))
	}
	s := after(t, people(t), SetRosterItem(of(1, 1, 1), alice, bob, "mine", nil), Join(node(2), brings, ""))
	if u := s.User("carol@meet.example"); u == nil || len(u.Items) != 20 || s.Clock < u.Ver {
		t.Errorf("carol: %+v, clock %d", u, s.Clock)
	}
	if u := s.User(alice); len(u.Items) != 1 {
		t.Error("the cluster's own account lost its roster to a joiner")
	}
	first := after(t, New(), Initialize("c9", node(1), gossip, brings))
	if first.Users.Len() != 2 || first.Clock != brings.Clock {
		t.Errorf("initialize took %d users", first.Users.Len())
	}
	again := after(t, standalone(t, SetDomain("meet.example"), SetAccount(account("carol", 3))), TakeUsers(s.Standalone()))
	if again.Users.Len() != 1 || again.Clock != s.Clock {
		t.Errorf("seeding took %d users", again.Users.Len())
	}
}

// Effects are kept of the latest sources only.
func TestSourcesAreForgotten(t *testing.T) {
	s := people(t)
	for i := range maxSources + 5 { // the last one used is the last one kept
		s = after(t, s, SetRosterItem(of(byte(i), 1, 1), alice, fmt.Sprintf("c%d@d", i), "", nil))
	}
	_, first := s.Outcome(of(0, 1, 1))
	_, last := s.Outcome(of(byte(maxSources+4), 1, 1))
	if len(s.Applied) != maxSources || first || !last {
		t.Errorf("%d sources, the first %v, the last %v", len(s.Applied), first, last)
	}
}

// Of sources that were used last in one entry of the log, every node forgets the
// same, also where the entry has more of them than are kept.
func TestSourcesAreForgottenAlike(t *testing.T) {
	var starts, many []Command
	for i := range byte(3) { // of three nodes, in one entry each time
		starts = append(starts, Leave(Effect{Inc: Source{1: i}, Seq: 1, Low: 1}, bob, 1, nil))
	}
	for i := range byte(2 * (maxSources + 1)) {
		many = append(many, Leave(of(100+i%(maxSources+1), uint64(i)+1, 1), bob, 1, nil))
	}
	run := func() []byte {
		s := people(t)
		for start := range byte(maxSources / 2) {
			for i := range starts {
				starts[i].Effect.Inc[0] = start
			}
			s = after(t, s, Batch(starts))
		}
		return Encode(after(t, s, Batch(many), Batch(starts)))
	}
	want := run()
	for range 10 {
		if !bytes.Equal(want, run()) {
			t.Fatal("two nodes differ")
		}
	}
}

func TestTable(t *testing.T) {
	var empty Table[int]
	full := empty
	for i := range 500 {
		before := full
		full.set(fmt.Sprintf("user%d@d", i), i)
		if before.Len() != i {
			t.Fatal("a change showed in the copy of before")
		}
	}
	b, err := full.MarshalJSON()
	var back Table[int]
	if err != nil || back.UnmarshalJSON(b) != nil || back.Len() != 500 || back.Get("user77@d") != 77 {
		t.Errorf("%v %d", err, back.Len())
	}
	again, _ := back.MarshalJSON()
	if !bytes.Equal(b, again) || !empty.IsZero() {
		t.Error("the encoding differs")
	}
	full.remove("user77@d")
	if full.Get("user77@d") != 0 || back.Get("user77@d") != 77 {
		t.Error("removal")
	}
}

func BenchmarkOfflineAdd(b *testing.B) {
	s := people(b)
	for i := range 5000 {
		s = after(b, s, SetAccount(account(fmt.Sprintf("user%d", i), i)), SetRosterItem(of(1, uint64(i+1), uint64(i+1)), fmt.Sprintf("user%d@meet.example", i), bob, "", nil))
	}
	raw := bytes.Repeat([]byte("m"), 300)
	seq := uint64(5001)
	for b.Loop() {
		seq++
		s = after(b, s, AddOffline(of(1, seq, seq), bob, raw), DeleteOffline(bob, s.Clock+1))
	}
}

// TestXEP0191BlockedWhileStored: a message that is on its way to the store when its
// sender is blocked does not get there.
func TestXEP0191BlockedWhileStored(t *testing.T) {
	raw := []byte("<message from='" + alice + "/x'><body/></message>")
	s := after(t, people(t), Block(of(1, 1, 1), bob, []string{alice}), AddOffline(of(1, 2, 1), bob, raw))
	if out, _ := s.Outcome(of(1, 2, 1)); out.Refused != stanza.ServiceUnavailable || len(s.User(bob).Offline) != 0 {
		t.Errorf("%q, kept %d", out.Refused, len(s.User(bob).Offline))
	}
}

// TestXEP0191BlockedSubscriptions: who is blocked can ask for nothing, and what
// they end has ended on both sides (XEP-0191 §3.3).
func TestXEP0191BlockedSubscriptions(t *testing.T) {
	both := after(t, people(t), ask(of(1, 1, 1), alice, bob, im.Subscribe), ask(of(1, 2, 1), bob, alice, im.Subscribed))
	for _, c := range []struct {
		what           im.Type
		asker, contact im.State
		before         *State
	}{
		{im.Subscribe, im.PendingOut, im.None, people(t)},
		{im.Subscribed, im.Approved, im.None, people(t)},
		{im.Unsubscribe, im.None, im.None, both},
	} {
		s := after(t, c.before, Block(of(2, 1, 1), bob, []string{alice}), ask(of(1, 3, 1), alice, bob, c.what))
		if a, b := s.User(alice).Contact(bob).State, s.User(bob).Contact(alice).State; a != c.asker || b != c.contact {
			t.Errorf("%v: alice has %v, bob %v", c.what, a, b)
		}
	}
}

// TestBatchIsItsCommands: a batch gives the state that its commands give one by one,
// and leaves the one before it as it was.
func TestBatchIsItsCommands(t *testing.T) {
	before := after(t, people(t), Block(of(1, 1, 1), bob, []string{alice}))
	was := string(Encode(before))
	list := []Command{
		Leave(of(1, 2, 1), alice, 1000, []byte("<presence/>")),
		AddOffline(of(2, 1, 1), bob, []byte("<message/>")),
		SetRosterItem(of(1, 3, 2), "nobody@meet.example", bob, "", nil),
		Leave(of(1, 2, 1), alice, 2000, nil), // again
		Unblock(of(1, 4, 3), bob, nil),
	}
	one, err := before.Apply(50, Batch(list))
	if err != nil {
		t.Fatal(err)
	}
	each := before
	for _, c := range list {
		if each, err = each.Apply(50, c); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(string(Encode(each)), string(Encode(one))); d != "" {
		t.Error(d)
	}
	if string(Encode(before)) != was {
		t.Error("the state before was written to")
	}
	mid := string(Encode(one))
	if next, _ := one.Apply(51, Batch(list[4:])); next != one {
		t.Error("a batch that changes nothing makes a state")
	}
	if next, _ := one.Apply(51, Batch([]Command{Leave(of(1, 5, 4), bob, 3000, nil)})); next == one || string(Encode(one)) != mid {
		t.Error("the next batch wrote to the state of the one before, or nowhere")
	}
}

// BenchmarkManyOfOneSource is what a batch costs while thousands of effects of the
// same source are in doubt, as when all clients of an edge leave at once.
func BenchmarkManyOfOneSource(b *testing.B) {
	s := people(b)
	batch := func(from, to uint64) Command {
		var list []Command
		for i := from; i < to; i++ {
			list = append(list, Leave(of(1, i, 1), alice, int64(i), []byte("<presence/>")))
		}
		return Batch(list)
	}
	s, _ = s.Apply(50, batch(1, 5001))
	more := batch(5001, 5257)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Apply(51, more); err != nil {
			b.Fatal(err)
		}
	}
}
