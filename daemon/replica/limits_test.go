package replica

import (
	"testing"

	"quorate.org/daemon/im"
	"quorate.org/daemon/pep"
	"quorate.org/daemon/stanza"
)

// TestLimitsTravel: the limits of the node that leads go with its commands, so that
// every node applies the same, whatever its own settings are.
func TestLimitsTravel(t *testing.T) {
	small := im.Limits{Contacts: 1, Offline: 1, Stored: 20, Blocked: 1, Private: 10, VCard: 10, Nodes: 1, Items: 10, Targets: 1}
	s := people(t)
	for i, c := range []struct {
		c       Command
		refused stanza.Condition
	}{
		{SetRosterItem(of(1, 1, 1), alice, bob, "", nil), ""},
		{SetRosterItem(of(1, 2, 1), alice, "carol@meet.example", "", nil), stanza.ResourceConstraint},
		{AddOffline(of(1, 3, 1), bob, make([]byte, 21)), stanza.ServiceUnavailable},
		{AddOffline(of(1, 4, 1), bob, make([]byte, 20)), ""},
		{AddOffline(of(1, 5, 1), bob, nil), stanza.ServiceUnavailable},
		{Block(of(1, 6, 1), bob, []string{"a@b", "c@d"}), stanza.ResourceConstraint},
		{SetPrivate(of(1, 7, 1), bob, map[string][]byte{"a b": make([]byte, 8)}), stanza.ResourceConstraint},
		{SetVCard(of(1, 8, 1), bob, make([]byte, 11)), stanza.ResourceConstraint},
		{ChangeService(of(1, 9, 1), bob, bob, published("n", "1")), ""},
		{ChangeService(of(1, 10, 1), bob, bob, published("m", "1")), stanza.ResourceConstraint},
		{ChangeService(of(1, 11, 1), bob, bob, pep.Change{Act: pep.Publish, Node: "n", Item: pep.Item{ID: "2", Raw: make([]byte, 11)}}), stanza.ResourceConstraint},
		{EnablePush(of(1, 12, 1), bob, im.Target{JID: "cb1.meet.example", Node: "n"}), ""},
		{EnablePush(of(1, 13, 1), bob, im.Target{JID: "cb1.meet.example", Node: "n"}), ""},
		{EnablePush(of(1, 14, 1), bob, im.Target{JID: "cb1.meet.example", Node: "m"}), stanza.ResourceConstraint},
	} {
		carried, err := DecodeCommand(EncodeCommand(c.c.Within(small)))
		if err != nil {
			t.Fatal(err)
		}
		s = after(t, s, carried)
		if out, _ := s.Outcome(*c.c.Effect); out.Refused != c.refused {
			t.Errorf("%d, %s: %q, want %q", i, c.c.Op, out.Refused, c.refused)
		}
	}
	if c := SetVCard(of(1, 19, 1), bob, nil); c.Within(im.DefaultLimits).Limits != nil || c.Within(im.Limits{}).Limits != nil {
		t.Error("the limits that hold anyway are carried")
	}
}
