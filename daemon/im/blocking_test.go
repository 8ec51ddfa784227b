package im

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/stanza"
)

// TestXEP0191Requests is XEP-0191 §3.2 to §3.5: what is a request, and which are
// refused.
func TestXEP0191Requests(t *testing.T) {
	for _, c := range []struct {
		typ, inner string
		want       Blocking
		refused    stanza.Condition
	}{
		{"get", "<blocklist xmlns='urn:xmpp:blocking'/>", Blocking{Get: true}, ""},
		{"set", "<blocklist xmlns='urn:xmpp:blocking'/>", Blocking{Get: true}, stanza.BadRequest},
		{"get", "<block xmlns='urn:xmpp:blocking'><item jid='a@b'/></block>", Blocking{}, stanza.BadRequest},
		{"set", "<block xmlns='urn:xmpp:blocking'><item jid='B@c'/><item jid='a@b/C'/><item jid='b@c'/></block>",
			Blocking{Items: []string{"a@b/C", "b@c"}}, ""},
		{"set", "<block xmlns='urn:xmpp:blocking'/>", Blocking{}, stanza.BadRequest},
		{"set", "<block xmlns='urn:xmpp:blocking'><item jid='@'/></block>", Blocking{}, stanza.JIDMalformed},
		{"set", "<block xmlns='urn:xmpp:blocking'><item/></block>", Blocking{}, stanza.JIDMalformed},
		{"set", "<unblock xmlns='urn:xmpp:blocking'/>", Blocking{Unblock: true}, ""},
		{"set", "<other xmlns='urn:xmpp:blocking'/>", Blocking{}, stanza.BadRequest},
	} {
		q, refused := DefaultLimits.ReadBlocking([]byte("<iq type='" + c.typ + "' id='1'>" + c.inner + "</iq>"))
		if d := cmp.Diff(c.want, q); d != "" || refused != c.refused {
			t.Errorf("%s %s: %q %s", c.typ, c.inner, refused, d)
		}
	}
}

// TestXEP0191Matching is XEP-0191 §6.
func TestXEP0191Matching(t *testing.T) {
	for _, c := range []struct {
		item string
		yes  string
		no   string
	}{
		{"u@d/r", "u@d/r", "u@d u@d/s d"},
		{"u@d", "u@d u@d/r", "v@d d d/r"},
		{"d/r", "d/r", "d d/s u@d/r"},
		{"d", "d d/r u@d u@d/r", "u@e sub.d"},
	} {
		for _, addr := range strings.Fields(c.yes) {
			if !Matches([]string{c.item}, addr) {
				t.Errorf("%s does not block %s", c.item, addr)
			}
		}
		for _, addr := range strings.Fields(c.no) {
			if Matches([]string{c.item}, addr) {
				t.Errorf("%s blocks %s", c.item, addr)
			}
		}
	}
}

// TestXEP0191List: the list changes as asked, says what changed, is bounded, and
// takes messages that wait with it.
func TestXEP0191List(t *testing.T) {
	var u *User
	for i, from := range []string{"a@b/c", "d@e/f"} {
		u, _ = DefaultLimits.Store(uint64(i+1), u, []byte("<message from='"+from+"'><body/></message>"))
	}
	u, out := DefaultLimits.Block(u, []string{"a@b", "x@y"})
	if d := cmp.Diff(Outcome{Addresses: []string{"a@b", "x@y"}}, out); d != "" || len(u.Offline) != 1 || u.Offline[0].Index != 2 {
		t.Error(d, u)
	}
	same, out := DefaultLimits.Block(u, []string{"x@y"})
	if same != u || len(out.Addresses) != 0 {
		t.Error("blocked again", out)
	}
	u, out = Unblock(u, []string{"q@q", "x@y"})
	if d := cmp.Diff(Outcome{Addresses: []string{"x@y"}}, out); d != "" || !u.Blocks("a@b/c") || u.Blocks("x@y") {
		t.Error(d, u)
	}
	if u, out = Unblock(u, nil); len(out.Addresses) != 1 || len(u.Blocked) != 0 {
		t.Error("unblocking all", out, u)
	}
	var many []string
	for i := range DefaultLimits.Blocked + 1 {
		many = append(many, fmt.Sprintf("%05d@d", i))
	}
	if _, out := DefaultLimits.Block(u, many); out.Refused != stanza.ResourceConstraint {
		t.Error("too many", out.Refused)
	}
}

// A list longer than the bound is not read to its end, and what is put on a list is
// put there at once, not one by one.
func TestManyBlockedAtOnce(t *testing.T) {
	var b strings.Builder
	var items []string
	for i := range DefaultLimits.Blocked {
		fmt.Fprintf(&b, "<item jid='a%04d@b'/>", i)
		items = append(items, fmt.Sprintf("a%04d@b", i))
	}
	for what, want := range map[string]stanza.Condition{"": "", "<item jid='@'/>": stanza.ResourceConstraint} {
		for _, name := range []string{"block", "unblock"} {
			_, refused := DefaultLimits.ReadBlocking([]byte("<iq type='set' id='1'><" + name + " xmlns='urn:xmpp:blocking'>" + b.String() + what + "</" + name + "></iq>"))
			if refused != want {
				t.Errorf("%s with %q: %q", name, what, refused)
			}
		}
	}
	u := &User{Blocked: items[:500:500]}
	next, out := DefaultLimits.Block(u, items)
	if !slices.Equal(next.Blocked, items) || !slices.Equal(out.Addresses, items[500:]) {
		t.Errorf("%d, %d", len(next.Blocked), len(out.Addresses))
	}
	if n := testing.AllocsPerRun(10, func() { DefaultLimits.Block(u, items) }); n > 40 {
		t.Errorf("%v allocations", n)
	}
}
