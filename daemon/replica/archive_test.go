package replica

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
)

func filing(e Effect) Command {
	return File(e, archive.Filing{Sides: []archive.Side{{Owner: alice, With: bob}, {Owner: bob, With: alice}, {Owner: "nobody@meet.example", With: alice}},
		Time: 7, Raw: []byte("m"), Bounds: archive.Bounds{Keep: 3, Bytes: 1000}})
}

// TestM5_5_FiledOnce: a message is filed once for its frame, under one name, in the
// archives of those who have an account, beside any other effect of the frame.
func TestM5_5_FiledOnce(t *testing.T) {
	e := of(1, 7, 5)
	before := people(t)
	carried, err := DecodeCommand(EncodeCommand(filing(e)))
	if err != nil {
		t.Fatal(err)
	}
	s := after(t, before, carried)
	f, ok := s.Filed(e)
	if !ok || cmp.Diff([]string{alice, bob}, f.By) != "" || len(f.ID) != 24 || len(s.Writes) != 2 || s.LastFiled != s.Clock {
		t.Fatalf("%+v, writes %+v", f, s.Writes)
	}
	if w := s.Writes[1]; w.Owner != bob || w.Entry.With != alice || w.Entry.ID != f.ID || w.Entry.Clock != s.Clock || w.Keep != 3 || w.Bytes != 1000 {
		t.Errorf("%+v", w)
	}
	if again, err := s.Apply(s.Version+1, filing(e)); again != s || err != nil {
		t.Errorf("filed again: %v", err)
	}
	s = after(t, s, AddOffline(e, bob, []byte("m")))
	if _, kept := s.Outcome(e); !kept || len(s.Writes) != 0 {
		t.Error("a filed message is not kept for its recipient, or is filed again with it")
	}
	s = after(t, s, filing(of(1, 9, 8)))
	if _, ok := s.Filed(e); ok {
		t.Error("a filing is remembered for ever")
	}
	if late, _ := s.Apply(s.Version+1, filing(e)); late != s {
		t.Error("a frame that its source has forgotten is filed")
	}
	batch := after(t, before, Batch([]Command{filing(of(1, 1, 1)), filing(of(1, 1, 1)), AddOffline(of(1, 2, 1), bob, []byte("m")), filing(of(1, 3, 1)), DeleteAccount("nobody")}))
	if len(batch.Writes) != 4 || batch.Writes[0].Entry.Clock >= batch.Writes[2].Entry.Clock {
		t.Errorf("a batch writes %+v", batch.Writes)
	}
	if gone := after(t, s, DeleteAccount("bob")); len(gone.Writes) != 1 || !gone.Writes[0].Drop || gone.Writes[0].Owner != bob {
		t.Errorf("%+v", gone.Writes)
	}
	if swept := after(t, s, SweepArchives(9)); len(swept.Writes) != 1 || swept.Writes[0].Since != 9 || swept.Writes[0].Owner != "" {
		t.Errorf("%+v", swept.Writes)
	}
}

// Preferences go with the account.
func TestPreferences(t *testing.T) {
	s := after(t, people(t), SetPrefs(of(1, 1, 1), alice, im.Prefs{Default: im.Roster, Never: []string{bob}}))
	again := after(t, standalone(t, SetDomain("meet.example"), SetAccount(account("alice", 1))), TakeUsers(s.Standalone()))
	if p := again.User(alice).Prefs; p == nil || p.Default != im.Roster || len(p.Never) != 1 {
		t.Errorf("%+v", p)
	}
}
