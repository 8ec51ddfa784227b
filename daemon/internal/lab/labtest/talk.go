package labtest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
)

// Talker is a client that remembers what it hears.
type Talker struct {
	*flow.Peer
	t  *testing.T
	as func(elem []byte) // it comes

	mu    sync.Mutex // guards heard
	heard []string
}

// Talk signs an account in on a node under a resource, making it if need be, and
// asks for its roster.
func Talk(t *testing.T, l *lab.Lab, name, resource string, at *lab.Node) *Talker {
	t.Helper()
	return TalkHearing(t, l, name, resource, at, func([]byte) {})
}

// TalkHearing is Talk with a function that hears each element as it comes.
func TalkHearing(t *testing.T, l *lab.Lab, name, resource string, at *lab.Node, hear func(elem []byte)) *Talker {
	t.Helper()
	Account(t, l, name)
	k := &Talker{t: t, as: hear}
	p, err := flow.Client(t.Context(), l.Dial, at.Addr()+":5222", TLS(l),
		flow.Account{Local: name, Domain: lab.Domain, Password: Password, Resource: resource, Heard: k.hear})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	k.Peer = p
	k.Say("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
	k.Await("its roster", "id='roster'", "jabber:iq:roster")
	return k
}

// Listen makes a peer that has just signed in remember what it hears.
func Listen(t *testing.T, p *flow.Peer) *Talker {
	k := &Talker{Peer: p, t: t, as: func([]byte) {}}
	p.Handle(k.hear)
	return k
}

func (k *Talker) hear(elem []byte) {
	k.as(elem)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.heard = append(k.heard, string(elem))
}

// Say sends a stanza.
func (k *Talker) Say(format string, a ...any) {
	k.t.Helper()
	if err := k.Send(fmt.Appendf(nil, format, a...)); err != nil {
		k.t.Fatalf("%s: %v", k.JID, err)
	}
}

// Heard lists what came so far and has all of the words, in order.
func (k *Talker) Heard(words ...string) (list []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, elem := range k.heard {
		if hasAll(elem, words) {
			list = append(list, elem)
		}
	}
	return list
}

// Await waits for one element that has all of the words.
func (k *Talker) Await(what string, words ...string) {
	k.t.Helper()
	k.AwaitCount(1, what, words...)
}

// AwaitCount waits for so many of them.
func (k *Talker) AwaitCount(count int, what string, words ...string) {
	k.t.Helper()
	err := lab.Wait(k.t.Context(), 30*time.Second, k.JID+" to hear "+what, func() error {
		if n := len(k.Heard(words...)); n < count {
			return fmt.Errorf("heard %d of %d", n, count)
		}
		return nil
	})
	if err != nil {
		k.t.Fatalf("%v; it heard %q", err, k.Heard())
	}
}

func hasAll(elem string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(elem, w) {
			return false
		}
	}
	return true
}

// Settle waits until each client's stanzas, and what they caused for the others,
// are behind it: two pings through the leader.
func Settle(list ...*Talker) {
	for round := range 2 {
		for _, k := range list {
			id := fmt.Sprintf("settle-%d-%d", round, len(k.Heard("id='settle-")))
			k.Say("<iq type='get' id='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", id, lab.Domain)
			k.Await("a ping", "id='"+id+"'", "result")
		}
	}
}
