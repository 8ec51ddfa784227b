package replica

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/im"
	"quorate.org/daemon/pep"
	"quorate.org/daemon/stanza"
)

func published(node, id string) pep.Change {
	return pep.Change{Act: pep.Publish, Node: node, Item: pep.Item{ID: id, Raw: []byte("<a/>")},
		Options: []stanza.Field{{Var: "pubsub#access_model", Values: []string{pep.Open}}}}
}

// What a user publishes is theirs to change, and outlives what they do elsewhere.
func TestServices(t *testing.T) {
	s := after(t, people(t), ChangeService(of(1, 1, 1), alice, alice, published("n", "1")),
		ChangeService(of(1, 2, 1), alice, bob, published("n", "2")),
		ChangeService(of(1, 3, 1), "nobody@meet.example", "nobody@meet.example", published("n", "1")),
		ChangeService(of(1, 4, 1), alice, bob, pep.Change{Act: pep.Subscribe, Node: "n", Subscriber: bob}))
	for seq, want := range map[uint64]stanza.Condition{1: "", 2: stanza.Forbidden, 3: stanza.Forbidden, 4: ""} {
		if out, ok := s.Outcome(of(1, seq, 1)); !ok || out.Refused != want {
			t.Errorf("%d: %+v, want %q", seq, out, want)
		}
	}
	if it, ok := s.Service(alice).Node("n").Last(); !ok || it.ID != "1" || s.Services.Len() != 1 {
		t.Errorf("%+v of %d services", it, s.Services.Len())
	}
	back, err := Decode(Encode(s))
	if d := cmp.Diff(s.Service(alice), back.Service(alice)); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
	gone := after(t, s, DeleteAccount("bob"))
	if gone.Service(alice).Knows(bob) {
		t.Error("a deleted account is still a subscriber")
	}
	dropped := after(t, s, ChangeService(of(1, 5, 1), alice, alice, pep.Change{Act: pep.Delete, Node: "n"}))
	out, _ := dropped.Outcome(of(1, 5, 1))
	if node := pep.Kept(out.Kept); node == nil || len(node.Subscribers) != 1 || dropped.Services.Len() != 0 {
		t.Errorf("who has to hear of the end of a node: %+v", out)
	}
	if left := after(t, s, DeleteAccount("alice")); left.Services.Len() != 0 {
		t.Error("what a deleted account published is still there")
	}
}

// Services go with their accounts into a cluster.
func TestServicesMoveWithTheStore(t *testing.T) {
	brings := standalone(t, SetDomain("meet.example"), SetAccount(account("carol", 3)), SetAccount(account("alice", 1)))
	brings = after(t, brings, ChangeService(of(9, 1, 1), "carol@meet.example", "carol@meet.example", published("n", "1")),
		ChangeService(of(9, 2, 1), alice, alice, published("theirs", "1")))
	s := after(t, people(t), ChangeService(of(1, 1, 1), alice, alice, published("mine", "1")), Join(node(2), brings, ""))
	if s.Service("carol@meet.example").Node("n") == nil || s.Service(alice).Node("theirs") != nil {
		t.Error("joining")
	}
	again := after(t, standalone(t, SetDomain("meet.example"), SetAccount(account("carol", 3))), TakeUsers(s.Standalone()))
	if again.Service("carol@meet.example").Node("n") == nil || again.Services.Len() != 1 {
		t.Error("seeding")
	}
}

// What clients want is known by their hash, and of so many of them only.
func TestClientsAreBounded(t *testing.T) {
	s := people(t)
	for i := range maxClients + 1 {
		s = after(t, s, LearnCaps(of(1, uint64(i+1), uint64(i+1)), alice, fmt.Sprint("sha-1:", i), []string{"n"}))
	}
	_, first := s.Wants("sha-1:0")
	wants, last := s.Wants(fmt.Sprint("sha-1:", maxClients))
	if first || !last || cmp.Diff([]string{"n"}, wants) != "" || s.Clients.Len() != maxClients {
		t.Errorf("%v %v %v, %d clients", first, last, wants, s.Clients.Len())
	}
}

// Who tells of kinds without end has their own forgotten, and those that others use
// are known still.
func TestClientsAreForgottenFairly(t *testing.T) {
	s, seq := people(t), uint64(0)
	learn := func(user string, n int) {
		var list []Command
		for i := range n {
			seq++
			list = append(list, LearnCaps(of(1, seq, seq), user, fmt.Sprint(user, i), []string{"n"}))
		}
		s = after(t, s, Batch(list))
	}
	knows := func(what, user string, first, behind int) {
		t.Helper()
		for i := range behind {
			if _, known := s.Wants(fmt.Sprint(user, i)); known != (i >= first) {
				t.Errorf("%s: kind %d of %s: %v", what, i, user, known)
				return
			}
		}
	}
	learn(bob, 20)
	learn(alice, maxClients+20)
	knows("alice goes on", bob, 0, 20)
	knows("alice goes on", alice, 40, maxClients+20)
	learn("carol@meet.example", 980)
	knows("two who go on share what is left", bob, 0, 20)
	knows("two who go on share what is left", alice, maxClients+20-490, maxClients+20)
	knows("two who go on share what is left", "carol@meet.example", 490, 980)
	if s.Clients.Len() != maxClients {
		t.Errorf("%d kinds are known", s.Clients.Len())
	}
	back, err := Decode(Encode(s))
	if err != nil || string(Encode(after(t, back, LearnCaps(of(1, 9999, 9999), bob, "new", nil)))) != string(Encode(after(t, s, LearnCaps(of(1, 9999, 9999), bob, "new", nil)))) {
		t.Errorf("behind a snapshot another is forgotten: %v", err)
	}
}

// The room that what clients want takes is bounded, whoever proposes it: no account
// answers for it.
func TestWantsAreBounded(t *testing.T) {
	var wants []string
	for i := range 249 {
		wants = append(wants, fmt.Sprint(i, strings.Repeat(">", 1000)))
	}
	s := after(t, people(t), LearnCaps(of(1, 1, 1), alice, "sha-1:x", wants))
	kept, known := s.Wants("sha-1:x")
	if size := len(Encode(s)) - len(Encode(people(t))); !known || cmp.Diff(wants[:4], kept) != "" || size > 64<<10 {
		t.Errorf("%d are kept, which take %d bytes", len(kept), size)
	}
}

// A contact without access may not subscribe, and may once they have it.
func TestSubscribingNeedsAccess(t *testing.T) {
	open := published("n", "1")
	open.Options = nil
	wish := pep.Change{Act: pep.Subscribe, Node: "n", Subscriber: bob}
	s := after(t, people(t), ChangeService(of(1, 1, 1), alice, alice, open), ChangeService(of(1, 2, 1), alice, bob, wish))
	if out, _ := s.Outcome(of(1, 2, 1)); out.Refused != stanza.NotAuthorized || out.Detail != "presence-subscription-required" {
		t.Errorf("%+v", out)
	}
	s = after(t, s, ask(of(1, 3, 1), bob, alice, im.Subscribe), ask(of(1, 4, 1), alice, bob, im.Subscribed), ChangeService(of(1, 5, 1), alice, bob, wish))
	if out, _ := s.Outcome(of(1, 5, 1)); out.Refused != "" || !s.Service(alice).Knows(bob) {
		t.Errorf("%+v", out)
	}
}
