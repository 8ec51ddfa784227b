package replica

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/im"
	"quorate.org/daemon/pep"
)

// anyCommand draws commands over few names, so that they meet.
func anyCommand() *rapid.Generator[Command] {
	return rapid.Custom(func(t *rapid.T) Command {
		bridge := rapid.SampledFrom([]string{"cb1", "CB1", "cb2", "c.b", ""})
		secret := rapid.SampledFrom([]string{"s1", "s2", ""})
		domain := rapid.SampledFrom([]string{"", "meet.example", "other.example", "Bad"})
		user := rapid.SampledFrom([]string{"alice", "bob", "a@b", "alice@other.example"})
		number := rapid.IntRange(1, 5)
		cluster := rapid.SampledFrom([]string{"c1", "c2", ""})
		key := rapid.SampledFrom([][]byte{gossip, bytes.Repeat([]byte{9}, 32), nil})
		m := node(number.Draw(t, "node"))
		if rapid.Bool().Draw(t, "moved") {
			m.Addr = node(number.Draw(t, "at")).Addr
		}
		bare := rapid.SampledFrom([]string{"alice@meet.example", "bob@meet.example", "carol@meet.example", "cb1.meet.example", ""})
		effect := Effect{Inc: Source{byte(number.Draw(t, "source"))}, Seq: uint64(rapid.IntRange(1, 9).Draw(t, "seq")), Low: uint64(rapid.IntRange(1, 5).Draw(t, "low"))}
		if rapid.IntRange(0, 2).Draw(t, "of a user") > 0 {
			return anyUserCommand(t, effect, bare)
		}
		return Command{
			Op: rapid.SampledFrom([]Op{OpDomain, OpCallBridgeAdd, OpCallBridgeAddSecret, OpCallBridgeDel, OpAccountSet, OpAccountDel, OpDomainAdd, OpDomainDel,
				OpInitialize, OpJoin, OpJoin, OpMemberVoter, OpMemberUpdate, OpMemberRemove, OpGossipKey, OpRecover}).Draw(t, "op"),
			Domain:      domain.Draw(t, "domain"),
			Name:        rapid.OneOf(bridge, user).Draw(t, "name"),
			Secret:      secret.Draw(t, "secret"),
			Account:     new(account(user.Draw(t, "user"), number.Draw(t, "password"))),
			Member:      &m,
			NodeID:      node(number.Draw(t, "other")).ID,
			Voter:       rapid.Bool().Draw(t, "voter"),
			Replaces:    node(number.Draw(t, "replaces")).ID,
			ClusterID:   cluster.Draw(t, "cluster"),
			GossipKey:   key.Draw(t, "key"),
			Domains:     []Domain{{domain.Draw(t, "brings the domain")}},
			DecoyKey:    key.Draw(t, "decoys"),
			CallBridges: []CallBridge{{bridge.Draw(t, "brings"), secret.Draw(t, "its secret")}},
		}
	})
}

// anyUserCommand draws what a stanza does to rosters and messages.
func anyUserCommand(t *rapid.T, e Effect, bare *rapid.Generator[string]) Command {
	user, contact := bare.Draw(t, "user"), bare.Draw(t, "contact")
	typ := im.TypeOf(rapid.SampledFrom([]string{"subscribe", "subscribed", "unsubscribe", "unsubscribed"}).Draw(t, "type"))
	one := rapid.SampledFrom([]Command{
		SetRosterItem(e, user, contact, rapid.SampledFrom([]string{"", "A", "B"}).Draw(t, "handle"), nil),
		Block(e, user, []string{contact}), Unblock(e, user, nil),
		SetPrivate(e, user, map[string][]byte{"a": []byte(contact)}), SetVCard(e, user, []byte(contact)),
		EnablePush(e, user, im.Target{JID: contact, Node: "n", Name: user + contact}), DisablePush(e, user, contact, ""), {Op: OpPushEnable, Effect: &e, User: user},
		Leave(e, user, int64(e.Seq), []byte("<presence/>")), Miss(user, int64(e.Seq)),
		RemoveRosterItem(e, user, contact),
		ApplySubscription(e, im.Request{From: user, To: contact, Type: typ, Raw: []byte("<presence/>")}),
		ApplySubscription(e, im.Request{From: user, To: contact, Type: typ}),
		AddOffline(e, user, []byte("<message/>")),
		DeleteOffline(user, e.Seq),
		ChangeService(e, user, contact, pep.Change{Act: rapid.SampledFrom([]pep.Act{pep.Publish, pep.Retract, pep.Create, pep.Configure, pep.Delete, pep.Purge,
			pep.Subscribe, pep.Unsubscribe}).Draw(t, "act"), Node: rapid.SampledFrom([]string{"n", "m"}).Draw(t, "of the node"), Item: pep.Item{ID: "1"}, Items: []string{"1"}, Subscriber: contact}),
		ChangeService(e, user, user, pep.Change{Act: pep.Publish, Node: "n", Item: pep.Item{ID: "1"}}),
		LearnCaps(e, user, "sha-1:x", []string{"n"}),
		File(e, archive.Filing{Sides: []archive.Side{{Owner: user, With: contact}, {Owner: contact, With: user}}, Raw: []byte("<message/>")}),
		SetPrefs(e, user, im.Prefs{Default: im.Roster}),
		SweepArchives(5),
		{Op: OpRosterSet, User: user},
	}).Draw(t, "one")
	if rapid.Bool().Draw(t, "batched") {
		return Batch([]Command{one, one, DeleteOffline(user, 1)})
	}
	return one
}

// Any log gives the same bytes on every node, also on one that started from a
// snapshot, and no version changes once it was given out.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := rapid.SliceOfN(anyCommand(), 1, 60).Draw(t, "log")
		snapshotAt := rapid.IntRange(0, len(log)-1).Draw(t, "snapshot at")
		first, second := New(), New()
		var given []*State
		var bytesThen [][]byte
		for i, c := range log {
			index := uint64(i + 1)
			if i == snapshotAt {
				second = reread(t, second)
			}
			before := first
			var errFirst, errSecond error
			first, errFirst = first.Apply(index, c)
			second, errSecond = second.Apply(index, overTheWire(t, c))
			checkStep(t, before, first, index, errFirst)
			if d := cmp.Diff(errFirst, errSecond); d != "" {
				t.Fatalf("entry %d is refused differently: %s", index, d)
			}
			given, bytesThen = append(given, first), append(bytesThen, Encode(first))
			checkRules(t, first)
		}
		if !bytes.Equal(Encode(first), Encode(second)) {
			t.Fatalf("two nodes differ:\n%s\n%s", Encode(first), Encode(second))
		}
		for i, s := range given {
			if !bytes.Equal(Encode(s), bytesThen[i]) {
				t.Fatalf("version %d changed after it was given out", s.Version)
			}
		}
	})
}

func overTheWire(t *rapid.T, c Command) Command {
	c, err := DecodeCommand(EncodeCommand(c))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func reread(t *rapid.T, s *State) *State {
	again, err := Decode(Encode(s))
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func checkStep(t *rapid.T, before, after *State, index uint64, err error) {
	if err != nil {
		if _, ok := err.(*fault.Error); !ok {
			t.Fatalf("refused with %#v", err)
		}
		if after != before {
			t.Fatal("a refusal changed the state")
		}
	}
	if after != before && after.Version != index {
		t.Fatalf("version = %d after entry %d", after.Version, index)
	}
}

// checkRules holds what is true of every reachable state.
func checkRules(t *rapid.T, s *State) {
	at := map[string]string{}
	for id, m := range s.Members {
		if _, gone := s.Removed[id]; gone {
			t.Fatalf("%s is a member and removed", id)
		}
		if other := at[m.Addr]; other != "" {
			t.Fatalf("%s and %s have one address", id, other)
		}
		at[m.Addr] = id
	}
	if (s.ClusterID == "") != (len(s.Members) == 0) {
		t.Fatalf("cluster %q has %d members", s.ClusterID, len(s.Members))
	}
	for key, b := range s.CallBridges {
		if key != Key(b.Name) || CheckCallBridgeName(b.Name) != nil || b.Secret == "" {
			t.Fatalf("call bridge %q = %+v", key, b)
		}
	}
	want := registrations(&s.Users)
	if d := cmp.Diff(want.merged(), s.registered.merged()); d != "" {
		t.Fatalf("whose registrations are: (-want +got)\n%s", d)
	}
	for bare, u := range s.Users.All() {
		for contact, it := range u.Items {
			if it.State&im.To != 0 && it.State&im.PendingOut != 0 || it.State&im.From != 0 && it.State&im.PendingIn != 0 {
				t.Fatalf("%s has %s in state %05b", bare, contact, it.State)
			}
			if it.Ver > u.Ver || u.Ver > s.Clock {
				t.Fatalf("%s: item of version %d, roster %d, clock %d", bare, it.Ver, u.Ver, s.Clock)
			}
		}
	}
	if s.Domain != "" && CheckDomain(s.Domain) != nil {
		t.Fatalf("domain = %q", s.Domain)
	}
}

func TestDecodeRefusesANewerFormat(t *testing.T) {
	_, err := Decode([]byte(`{"format":2}`))
	if !errors.Is(err, fault.New(fault.Version, "")) {
		t.Errorf("err = %v", err)
	}
}

// What decodes encodes to bytes that decode to the same, and takes commands.
func FuzzDecode(f *testing.F) {
	f.Add(Encode(cluster(f)))
	f.Add([]byte(`{"format":1,"members":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(Encode(s))
		if err != nil || !bytes.Equal(Encode(s), Encode(again)) {
			t.Fatalf("%v\n%s\n%s", err, Encode(s), Encode(again))
		}
		if _, err := s.Apply(s.Version+1, AddCallBridge("fuzz", "s")); err != nil {
			t.Fatal(err)
		}
	})
}

// A command of any bytes is refused or applied, never a panic.
func FuzzDecodeCommand(f *testing.F) {
	for _, c := range []Command{ChangeService(of(1, 1, 1), alice, alice, published("n", "1")), SetDomain("meet.example"), Join(node(2), New(), ""), SetAccount(account("bob", 1)), Recover("c2", node(1).ID, gossip)} {
		f.Add(EncodeCommand(c))
	}
	start := cluster(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCommand(b)
		if err != nil {
			return
		}
		next, err := start.Apply(2, c)
		if err != nil && next != start {
			t.Fatal("a refusal changed the state")
		}
	})
}

func BenchmarkApply(b *testing.B) {
	s := New()
	for i := range 1000 {
		s = after(b, s, SetAccount(account(fmt.Sprintf("user%d", i), i)))
	}
	c := SetAccount(account("alice", 1))
	for b.Loop() {
		if _, err := s.Apply(1, c); err != nil {
			b.Fatal(err)
		}
	}
}
