package replica

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDomains: a further domain has accounts of its own, is brought to a cluster
// and kept when a node leaves it.
func TestDomains(t *testing.T) {
	key := bytes.Repeat([]byte{5}, 32)
	alone := after(t, New(), SetDomain("meet.example"), SetAccount(account("ann", 1)).WithDecoys(key), AddDomain("second.example"),
		SetAccount(account("ann@second.example", 2)).WithDecoys([]byte("another")))
	if again := after(t, alone, AddDomain("second.example"), AddDomain("meet.example")); again != alone {
		t.Error("adding a domain twice changes something")
	}
	for domain, want := range map[string]bool{"meet.example": true, "second.example": true, "third.example": false, "": false} {
		a, ok := alone.AccountOf("ann@" + domain)
		if ok != want || alone.Serves(domain) != want {
			t.Errorf("%q: account %v, served %v, want %v", domain, ok, alone.Serves(domain), want)
		}
		if domain == "second.example" && a.SHA1.Iterations == alone.Accounts["ann"].SHA1.Iterations && cmp.Equal(a.SHA1, alone.Accounts["ann"].SHA1) {
			t.Error("both domains have one account")
		}
	}
	first := after(t, New(), Initialize("c1", node(1), gossip, alone))
	if !bytes.Equal(first.Decoys(), key) {
		t.Errorf("the decoys come from %x", first.Decoys())
	}
	joined := after(t, first, Join(node(2), after(t, New(), SetDomain("meet.example"), AddDomain("third.example")), ""))
	if diff := cmp.Diff([]Domain{{"second.example"}, {"third.example"}}, joined.SortedDomains()); diff != "" {
		t.Error(diff)
	}
	left := joined.Standalone()
	if _, ok := left.AccountOf("ann@second.example"); !ok || len(left.Domains) != 2 {
		t.Errorf("left with %s", Encode(left))
	}
	back, err := Decode(Encode(left))
	if err != nil || !bytes.Equal(Encode(back), Encode(left)) || !back.Serves("third.example") {
		t.Errorf("encoded and decoded: %v\n%s", err, Encode(back))
	}
	taken := after(t, left, AddDomain("cb9.meet.example"))
	if _, err := taken.Apply(99, AddCallBridge("CB9", "s")); err == nil {
		t.Error("a call bridge has the address of a domain")
	}
	gone := after(t, left, DeleteAccount("ann@second.example"), DeleteDomain("second.example"))
	if _, ok := gone.AccountOf("ann@second.example"); ok || gone.Serves("second.example") {
		t.Error("the domain is still served")
	}
}
