package im

import (
	"fmt"
	"testing"
)

// The nine states of appendix A.1, in its order.
var nine = []struct {
	name  string
	state State
}{
	{"None", None},
	{"None + Pending Out", PendingOut},
	{"None + Pending In", PendingIn},
	{"None + Pending Out+In", PendingOut | PendingIn},
	{"To", To},
	{"To + Pending In", To | PendingIn},
	{"From", From},
	{"From + Pending Out", From | PendingOut},
	{"Both", Both},
}

// TestM5_2_OutboundStates is tables 2 to 5 of RFC 6121 appendix A.2: per type
// the nine rows in their order, each whether it is routed and the next state.
func TestM5_2_OutboundStates(t *testing.T) {
	const yes, no = true, false
	type row struct {
		route bool
		next  State
	}
	for table, rows := range map[Type][9]row{
		Subscribe: {{yes, PendingOut}, {yes, PendingOut}, {yes, PendingOut | PendingIn}, {yes, PendingOut | PendingIn},
			{yes, To}, {yes, To | PendingIn}, {yes, From | PendingOut}, {yes, From | PendingOut}, {yes, Both}},
		Unsubscribe: {{yes, None}, {yes, None}, {yes, PendingIn}, {yes, PendingIn},
			{yes, None}, {yes, PendingIn}, {yes, From}, {yes, From}, {yes, From}},
		Subscribed: {{no, Approved}, {no, PendingOut | Approved}, {yes, From}, {yes, From | PendingOut},
			{no, To | Approved}, {yes, Both}, {no, From}, {no, From | PendingOut}, {no, Both}},
		Unsubscribed: {{no, None}, {no, PendingOut}, {yes, None}, {yes, PendingOut},
			{no, To}, {yes, To}, {yes, None}, {yes, PendingOut}, {yes, To}},
	} {
		for i, want := range rows {
			next, route := nine[i].state.Outbound(table)
			if route != want.route || next != want.next {
				t.Errorf("%s in %q: routed %v, next %05b; want %v, %05b", table, nine[i].name, route, next, want.route, want.next)
			}
		}
	}
}

// TestM5_2_InboundStates is tables 6 to 9 of RFC 6121 appendix A.3.
func TestM5_2_InboundStates(t *testing.T) {
	const yes, no = true, false
	type row struct {
		deliver bool
		next    State
		reply   Type
	}
	for table, rows := range map[Type][9]row{
		Subscribe: {{yes, PendingIn, 0}, {yes, PendingOut | PendingIn, 0}, {no, PendingIn, 0}, {no, PendingOut | PendingIn, 0},
			{yes, To | PendingIn, 0}, {no, To | PendingIn, 0},
			{no, From, Subscribed}, {no, From | PendingOut, Subscribed}, {no, Both, Subscribed}},
		Unsubscribe: {{no, None, 0}, {no, PendingOut, 0}, {yes, None, Unsubscribed}, {yes, PendingOut, Unsubscribed},
			{no, To, 0}, {yes, To, Unsubscribed}, {yes, None, Unsubscribed}, {yes, PendingOut, Unsubscribed}, {yes, To, Unsubscribed}},
		Subscribed: {{no, None, 0}, {yes, To, 0}, {no, PendingIn, 0}, {yes, To | PendingIn, 0},
			{no, To, 0}, {no, To | PendingIn, 0}, {no, From, 0}, {yes, Both, 0}, {no, Both, 0}},
		Unsubscribed: {{no, None, 0}, {yes, None, 0}, {no, PendingIn, 0}, {yes, PendingIn, 0},
			{yes, None, 0}, {yes, PendingIn, 0}, {no, From, 0}, {yes, From, 0}, {yes, From, 0}},
	} {
		for i, want := range rows {
			next, deliver, reply := nine[i].state.Inbound(table)
			if deliver != want.deliver || next != want.next || reply != want.reply {
				t.Errorf("%s in %q: delivered %v, next %05b, reply %q; want %v, %05b, %q", table, nine[i].name,
					deliver, next, reply, want.deliver, want.next, want.reply)
			}
		}
	}
}

// TestM5_2_PreApproval is RFC 6121 §3.4: a pre-approval answers the request by
// itself, and ends silently.
func TestM5_2_PreApproval(t *testing.T) {
	for _, before := range []State{None, PendingOut, To} {
		approved, route := before.Outbound(Subscribed)
		if route || approved != before|Approved {
			t.Fatalf("pre-approval in %05b: routed %v, next %05b", before, route, approved)
		}
		next, deliver, reply := approved.Inbound(Subscribe)
		if deliver || reply != Subscribed || next != before|From {
			t.Errorf("request in %05b: delivered %v, reply %q, next %05b", approved, deliver, reply, next)
		}
		if next, route := approved.Outbound(Unsubscribed); route || next != before {
			t.Errorf("cancelling in %05b: routed %v, next %05b", approved, route, next)
		}
	}
}

// No stanza leads out of the nine states, a pre-approval aside.
func TestStatesAreClosed(t *testing.T) {
	known := map[State]bool{}
	for _, n := range nine {
		known[n.state] = true
	}
	for _, n := range nine {
		for _, with := range []State{0, Approved} {
			if with != 0 && n.state&(From|PendingIn) != 0 {
				continue
			}
			for typ := Subscribe; typ <= Unsubscribed; typ++ {
				out, _ := (n.state | with).Outbound(typ)
				in, _, _ := (n.state | with).Inbound(typ)
				for _, s := range []State{out, in} {
					if !known[s&^Approved] {
						t.Errorf("%s with %q leads to %s", n.name, typ, fmt.Sprintf("%05b", s))
					}
				}
			}
		}
	}
}
