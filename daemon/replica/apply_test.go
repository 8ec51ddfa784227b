package replica

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
)

var gossip = bytes.Repeat([]byte{7}, 32)

// node returns a member whose identity comes from a number.
func node(i int) Member {
	key := bytes.Repeat([]byte{byte(i)}, 32)
	sum := sha256.Sum256(key)
	return Member{ID: hex.EncodeToString(sum[:16]), Name: fmt.Sprintf("cb%d", i), Key: key,
		Addr: fmt.Sprintf("10.0.0.%d", i), ClientPort: 5222, MeshPort: 5224, GossipPort: 7946, Version: "1.0"}
}

// account returns an account whose keys come from a number.
func account(name string, i int) Account {
	keys := func(size int) Keys {
		return Keys{4096, []byte{byte(i)}, bytes.Repeat([]byte{byte(i)}, size), bytes.Repeat([]byte{byte(i)}, size)}
	}
	return Account{name, keys(20), keys(32)}
}

// after applies commands that must all be accepted.
func after(t testing.TB, s *State, commands ...Command) *State {
	t.Helper()
	for _, c := range commands {
		next, err := s.Apply(s.Version+1, c)
		if err != nil {
			t.Fatalf("%s: %v", c.Op, err)
		}
		s = next
	}
	return s
}

// cluster is a cluster of one node with a domain, a call bridge and a user.
func cluster(t testing.TB) *State {
	alone := after(t, New(), SetDomain("meet.example"), AddCallBridge("cb1", "s1"), SetAccount(account("alice", 1)))
	return after(t, New(), Initialize("c1", node(1), gossip, alone))
}

// standalone is a node that brings entries to a join.
func standalone(t testing.TB, commands ...Command) *State { return after(t, New(), commands...) }

func TestRefusals(t *testing.T) {
	grown := after(t, cluster(t), Join(node(2), New(), ""), RemoveMember(node(2).ID), Join(node(3), New(), ""))
	lone := cluster(t)
	noKey, badAddr, badPort, badID, stolen := node(4), node(4), node(4), node(4), node(3)
	noKey.Key, badAddr.Addr, badPort.MeshPort, badID.ID, stolen.Key = nil, "cb4.meet.example", 0, "4", node(4).Key
	sameAddr := node(5)
	sameAddr.Addr = node(3).Addr
	moved := node(1)
	moved.Addr = node(3).Addr
	for _, c := range []struct {
		name  string
		s     *State
		c     Command
		code  fault.Code
		words []string // the message or the remedy has them
		never string   // and never this
	}{
		{"bridge name with a dot", lone, AddCallBridge("cb1.meet.example", "s"), fault.InvalidName, []string{"cb1.meet.example", "dot", "alone"}, ""},
		{"bridge name empty", lone, AddCallBridge("", "s"), fault.InvalidName, []string{"letters, digits"}, ""},
		{"bridge name with a space", lone, AddCallBridgeSecret("cb 1", "s"), fault.InvalidName, []string{`"cb 1"`}, ""},
		{"bridge name too long", lone, AddCallBridge(strings.Repeat("a", 64), "s"), fault.InvalidName, []string{"1 to 63"}, ""},
		{"bridge secret empty", lone, AddCallBridgeSecret("cb2", ""), fault.InvalidArgument, []string{"cb2"}, ""},
		{"bridge secret with a control character", lone, AddCallBridgeSecret("cb2", "pass\nword"), fault.InvalidArgument, []string{"cb2"}, "pass"},
		{"bridge secret differs", lone, AddCallBridgeSecret("CB1", "tr0ub4dor"), fault.WrongSecret, []string{"cb1", "xmpp callbridge del cb1"}, "tr0ub4dor"},
		{"no such bridge", lone, DeleteCallBridge("cb9"), fault.NotFound, []string{"cb9"}, ""},
		{"domain empty", lone, SetDomain(""), fault.InvalidArgument, nil, ""},
		{"domain in upper case", lone, SetDomain("Meet.example"), fault.InvalidArgument, []string{"lower case"}, ""},
		{"domain with an underscore", lone, SetDomain("a_b.example"), fault.InvalidArgument, nil, ""},
		{"domain with an empty label", lone, SetDomain("a..example"), fault.InvalidArgument, nil, ""},
		{"domain with a hyphen at an end", lone, SetDomain("-a.example"), fault.InvalidArgument, nil, ""},
		{"domain is an address", lone, SetDomain("alice@meet.example"), fault.InvalidArgument, nil, ""},
		{"other domain in a cluster", lone, SetDomain("other.example"), fault.WrongDomain, []string{"meet.example", "xmpp cluster disable"}, ""},
		{"no such user", lone, DeleteAccount("bob"), fault.NotFound, []string{"bob"}, ""},
		{"user of another domain", lone, SetAccount(account("a@b", 1)), fault.NotFound, []string{"a@b", "xmpp multi_domain list"}, ""},
		{"user name with a space", lone, SetAccount(account("a b", 1)), fault.InvalidName, []string{"a b"}, ""},
		{"further domain without one", New(), AddDomain("second.example"), fault.WrongState, []string{"xmpp domain"}, ""},
		{"further domain that is none", lone, AddDomain("Second.example"), fault.InvalidArgument, []string{"lower case"}, ""},
		{"further domain at a call bridge", lone, AddDomain("cb1.meet.example"), fault.Exists, []string{"cb1", "xmpp callbridge del cb1"}, ""},
		{"no such further domain", lone, DeleteDomain("meet.example"), fault.NotFound, []string{"xmpp multi_domain list"}, ""},
		{"further domain with users", after(t, lone, AddDomain("second.example"), SetAccount(account("bob@second.example", 1))),
			DeleteDomain("second.example"), fault.WrongState, []string{"1 users", "xmpp user del bob@second.example"}, ""},
		{"a further domain as the domain", after(t, New(), SetDomain("meet.example"), AddDomain("second.example")), SetDomain("second.example"),
			fault.Exists, []string{"xmpp multi_domain del second.example"}, ""},
		{"user without keys", lone, SetAccount(Account{Name: "bob"}), fault.InvalidArgument, []string{"bob"}, ""},
		{"user missing", lone, Command{Op: OpAccountSet}, fault.InvalidArgument, nil, ""},
		{"initialize a member", lone, Initialize("c2", node(1), gossip, New()), fault.WrongState, []string{"already", "xmpp cluster remove"}, ""},
		{"initialize without an ID", New(), Initialize("", node(1), gossip, New()), fault.InvalidArgument, nil, ""},
		{"initialize with a short key", New(), Initialize("c1", node(1), []byte("short"), New()), fault.InvalidArgument, []string{"32 bytes"}, ""},
		{"initialize without an identity", New(), Initialize("c1", noKey, gossip, New()), fault.InvalidArgument, []string{"identity"}, ""},
		{"join a standalone node", New(), Join(node(2), New(), ""), fault.WrongState, []string{"not a member of a cluster"}, ""},
		{"join without an identity", lone, Join(noKey, New(), ""), fault.InvalidArgument, []string{"identity"}, ""},
		{"join with a bad ID", lone, Join(badID, New(), ""), fault.InvalidArgument, []string{"identity"}, ""},
		{"join with a host name for an address", lone, Join(badAddr, New(), ""), fault.InvalidArgument, []string{"cb4.meet.example", "xmpp listen"}, ""},
		{"join without a port", lone, Join(badPort, New(), ""), fault.InvalidArgument, []string{"port 0"}, ""},
		{"join with another domain", lone, Join(node(2), standalone(t, SetDomain("other.example")), ""), fault.WrongDomain,
			[]string{"meet.example", "other.example", "xmpp domain meet.example"}, ""},
		{"join with another secret", lone, Join(node(2), standalone(t, AddCallBridge("cb1", "mine"), AddCallBridge("cb2", "s2")), ""), fault.SecretConflict,
			[]string{"cb1", "xmpp callbridge del cb1"}, "mine"},
		{"join with another password", lone, Join(node(2), standalone(t, SetAccount(account("alice", 2))), ""), fault.Exists, []string{"alice", "xmpp user del alice"}, ""},
		{"join after removal", grown, Join(node(2), New(), ""), fault.WrongState, []string{"cb2", node(2).ID, "xmpp reset"}, ""},
		{"join at a living member's address", grown, Join(sameAddr, New(), ""), fault.Exists, []string{"10.0.0.3:5224", "cb3", node(3).ID}, ""},
		{"join at an address, another dead", grown, Join(sameAddr, New(), node(1).ID), fault.Exists, []string{"cb3"}, ""},
		{"join with a member's ID and another key", grown, Join(stolen, New(), ""), fault.Cloned, []string{"cb3", "xmpp reset"}, ""},
		{"move to a member's address", grown, UpdateMember(moved), fault.Exists, []string{"cb3"}, ""},
		{"update a stranger", lone, UpdateMember(node(9)), fault.NotFound, []string{node(9).ID}, ""},
		{"vote of a stranger", lone, SetVoter(node(9).ID, true), fault.NotFound, []string{node(9).ID}, ""},
		{"remove a stranger", lone, RemoveMember("cb9"), fault.NotFound, []string{"cb9", "xmpp cluster status"}, ""},
		{"remove the last member", lone, RemoveMember(node(1).ID), fault.WrongState, []string{"last member", "xmpp cluster disable"}, ""},
		{"gossip key of a standalone node", New(), RotateGossipKey(gossip), fault.WrongState, nil, ""},
		{"gossip key too short", lone, RotateGossipKey([]byte("short")), fault.InvalidArgument, []string{"32 bytes"}, ""},
		{"recover a stranger", lone, Recover("c2", node(9).ID, gossip), fault.NotFound, nil, ""},
		{"recover under the same ID", lone, Recover("c1", node(1).ID, gossip), fault.InvalidArgument, []string{"new ID"}, ""},
		{"recover without a gossip key", lone, Recover("c2", node(1).ID, nil), fault.InvalidArgument, nil, ""},
		{"a command of the future", lone, Command{Op: "archive-add"}, fault.Version, []string{"archive-add", "upgrade"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := Encode(c.s)
			next, err := c.s.Apply(99, c.c)
			f, ok := err.(*fault.Error)
			if !ok || f.Code != c.code {
				t.Fatalf("err = %#v, want a refusal of class %s", err, c.code)
			}
			for _, w := range c.words {
				if !strings.Contains(f.Error(), w) {
					t.Errorf("%q lacks %q", f, w)
				}
			}
			if c.never != "" && strings.Contains(f.Error(), c.never) {
				t.Errorf("%q tells a secret", f)
			}
			if next != c.s || !bytes.Equal(Encode(c.s), before) {
				t.Error("the refusal changed the state")
			}
		})
	}
}

func TestRepeatsChangeNothing(t *testing.T) {
	s := after(t, cluster(t), Join(node(2), New(), ""), Join(node(3), New(), ""), RemoveMember(node(3).ID), SetVoter(node(2).ID, true))
	for _, c := range []Command{
		SetDomain("meet.example"),
		AddCallBridge("cb1", "generated anew"),
		AddCallBridge("CB1", "generated anew"),
		AddCallBridgeSecret("cb1", "s1"),
		SetAccount(account("alice", 1)),
		Initialize("c1", node(1), gossip, New()),
		Join(node(2), standalone(t, SetDomain("other.example"), AddCallBridge("cb1", "old")), ""),
		SetVoter(node(2).ID, true),
		UpdateMember(node(2)),
		RemoveMember(node(3).ID),
		RotateGossipKey(gossip),
	} {
		next, err := s.Apply(99, c)
		if err != nil || next != s {
			t.Errorf("%s again: %v, changed: %v", c.Op, err, next != s)
		}
	}
}

func TestInitializeTakesTheStandaloneEntries(t *testing.T) {
	s := cluster(t)
	if s.Domain != "meet.example" || s.CallBridges["cb1"].Secret != "s1" || len(s.Accounts) != 1 || s.ClusterID != "c1" {
		t.Errorf("state = %s", Encode(s))
	}
	if m := s.Members[node(1).ID]; !m.Voter {
		t.Error("the first member is no voter")
	}
}

func TestJoinMerges(t *testing.T) {
	brings := standalone(t, SetDomain("meet.example"), AddCallBridgeSecret("CB1", "s1"), AddCallBridge("cb2", "s2"), SetAccount(account("bob", 2)))
	claims := node(2)
	claims.Voter = true
	s := after(t, cluster(t), Join(claims, brings, ""))
	if d := cmp.Diff([]CallBridge{{"cb1", "s1"}, {"cb2", "s2"}}, s.SortedCallBridges()); d != "" {
		t.Error(d)
	}
	if len(s.Accounts) != 2 {
		t.Errorf("accounts = %v", s.SortedAccounts())
	}
	if m := s.Members[node(2).ID]; m.Voter || m.Name != "cb2" {
		t.Errorf("member = %+v, want a non-voter", m)
	}
}

func TestJoinGivesTheClusterADomain(t *testing.T) {
	s := after(t, New(), Initialize("c1", node(1), gossip, New()), Join(node(2), standalone(t, SetDomain("meet.example")), ""))
	if s.Domain != "meet.example" {
		t.Errorf("domain = %q", s.Domain)
	}
}

// Cisco defect CSCvi67717: a reset node that came back was listed twice.
func TestJoinAtADeadMembersAddressReplacesIt(t *testing.T) {
	fresh := node(9)
	fresh.Addr = node(2).Addr
	s := after(t, cluster(t), Join(node(2), New(), ""), SetVoter(node(2).ID, true), Join(fresh, New(), node(2).ID))
	if len(s.Members) != 2 || s.Members[fresh.ID].Addr != node(2).Addr {
		t.Errorf("members = %+v", s.SortedMembers())
	}
	if s.Removed[node(2).ID] != s.Version {
		t.Errorf("removed = %v, want the old ID at index %d", s.Removed, s.Version)
	}
	moved := UpdateMember(node(1))
	moved.Member.Addr, moved.Replaces = fresh.Addr, fresh.ID
	if next := after(t, s, moved); len(next.Members) != 1 {
		t.Error("a member that moves to a dead member's address replaces it too")
	}
	other := node(8)
	other.Addr, other.MeshPort = node(1).Addr, 15224
	if s = after(t, s, Join(other, New(), "")); len(s.Members) != 3 {
		t.Error("another mesh port at the same address is another node")
	}
}

func TestMemberUpdateKeepsTheVote(t *testing.T) {
	moved := node(2)
	moved.Addr, moved.Version = "10.0.0.200", "1.1"
	s := after(t, cluster(t), Join(node(2), New(), ""), SetVoter(node(2).ID, true), UpdateMember(moved))
	want := moved
	want.Voter = true
	if d := cmp.Diff(want, s.Members[moved.ID]); d != "" {
		t.Error(d)
	}
}

func TestRecoverLeavesTheSurvivor(t *testing.T) {
	key := bytes.Repeat([]byte{8}, 32)
	s := after(t, cluster(t), Join(node(2), New(), ""), Join(node(3), New(), ""), Recover("c2", node(3).ID, key))
	if len(s.Members) != 1 || !s.Members[node(3).ID].Voter || len(s.Removed) != 2 || s.ClusterID != "c2" || !bytes.Equal(s.GossipKey, key) {
		t.Errorf("state = %s", Encode(s))
	}
	if s.CallBridges["cb1"].Secret != "s1" {
		t.Error("recovery lost a call bridge")
	}
}

// The salts made up for unknown users come from one key as long as the cluster is.
func TestDecoysOutliveTheGossipKey(t *testing.T) {
	second, third := bytes.Repeat([]byte{8}, 32), bytes.Repeat([]byte{9}, 32)
	s := after(t, cluster(t), RotateGossipKey(second), RotateGossipKey(third))
	if !bytes.Equal(s.GossipKey, third) || !bytes.Equal(s.Decoys(), gossip) {
		t.Errorf("gossip key %x, decoys from %x", s.GossipKey, s.Decoys())
	}
	if s = after(t, s, Recover("c2", node(1).ID, second)); !bytes.Equal(s.Decoys(), gossip) {
		t.Errorf("recovered, the decoys come from %x", s.Decoys())
	}
	if s.Standalone().Decoys() != nil {
		t.Error("a standalone node has the cluster's decoys")
	}
}

func TestStandaloneKeepsTheConfiguration(t *testing.T) {
	s := cluster(t).Standalone()
	if s.Domain != "meet.example" || len(s.CallBridges) != 1 || len(s.Accounts) != 1 {
		t.Errorf("state = %s", Encode(s))
	}
	if s.ClusterID != "" || len(s.Members) != 0 || len(s.Removed) != 0 || s.GossipKey != nil {
		t.Errorf("state = %s, want no trace of the cluster", Encode(s))
	}
}

func TestCallBridgeKnowsNoCase(t *testing.T) {
	b, ok := after(t, New(), AddCallBridge("CB1", "s")).CallBridge("cb1")
	if !ok || b.Name != "CB1" {
		t.Errorf("cb1 = %+v, %v; want it as it was spelled", b, ok)
	}
}

func TestDomainBeyondASCII(t *testing.T) {
	if err := CheckDomain("bücher.example"); err != nil {
		t.Error(err)
	}
}

func TestNewSecret(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := NewSecret()
		if len(s) != 19 || strings.Trim(s, secretAlphabet) != "" || seen[s] {
			t.Fatalf("secret %q has the wrong form or came twice", s)
		}
		seen[s] = true
	}
}
