package replica

import (
	"fmt"
	"testing"

	"quorate.org/daemon/im"
)

// A registration is found by its name as long as it is there, at the cost of a look
// into a map, however many users there are: any component may ask, under the
// router's lock.
func TestRegistrations(t *testing.T) {
	s := people(t)
	for i := range 1000 {
		s.enterUser(fmt.Sprintf("user%d@meet.example", i), &im.User{Ver: 1, Targets: []im.Target{{JID: "push.meet.example", Node: "n", Name: fmt.Sprint("q", i)}}})
	}
	find := func(s *State, what, name, want string) {
		t.Helper()
		if bare, target, ok := s.Registration(name); bare != want || ok != (want != "") || ok && target.Name != name {
			t.Errorf("%s: %s is %+v of %q", what, name, target, bare)
		}
	}
	enable := func(seq uint64, node, name string) Command {
		return EnablePush(of(1, seq, 1), alice, im.Target{JID: "cb1.meet.example", Node: node, Name: name})
	}
	s = after(t, s, enable(1, "n", "first"), enable(2, "m", "other"))
	find(s, "enabled", "first", alice)
	find(s, "enabled", "q7", "user7@meet.example")
	find(s, "enabled", "none", "")
	again := after(t, s, enable(3, "n", "second"))
	find(again, "enabled anew", "first", "")
	find(again, "enabled anew", "second", alice)
	find(s, "before", "first", alice)
	back, err := Decode(Encode(again))
	if err != nil {
		t.Fatal(err)
	}
	for what, s := range map[string]*State{"kept": again, "read again": back, "standalone": again.Standalone()} {
		find(s, what, "second", alice)
		find(s, what, "q999", "user999@meet.example")
	}
	ended := after(t, again, DisablePush(of(1, 4, 1), alice, "cb1.meet.example", "n"))
	find(ended, "disabled", "second", "")
	find(ended, "disabled", "other", alice)
	gone := after(t, ended, DeleteAccount("alice"))
	find(gone, "the account is gone", "other", "")
	if ended.registered.Len() != 1001 || gone.registered.Len() != 1000 {
		t.Errorf("%d names are kept, and %d without the account", ended.registered.Len(), gone.registered.Len())
	}
	if n := testing.AllocsPerRun(10, func() { s.Registration("none"); s.Registration("q7") }); n != 0 {
		t.Errorf("a look allocates %v times", n)
	}
}
