package local

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// RFC 6121 on three nodes: a roster pushed to two nodes, a handshake between
// users of different nodes, presence, and offline messages that outlive the
// leader, each delivered once.
func TestM5_2_InstantMessaging(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others, err := l.Leader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	one, two := labtest.Talk(t, l, "romeo", "one", others[0]), labtest.Talk(t, l, "romeo", "two", others[1])
	juliet := labtest.Talk(t, l, "juliet", "balcony", others[1])
	one.Say("<iq type='set' id='set'><query xmlns='jabber:iq:roster'><item jid='nurse@%s' name='Nurse'/></query></iq>", lab.Domain)
	one.Await("the answer", "id='set'", "result")
	for _, k := range []*labtest.Talker{one, two} {
		k.Await("the push", "type='set'", "name='Nurse'")
	}
	befriend(one, juliet)
	befriend(juliet, one)
	for _, k := range []*labtest.Talker{one, two} {
		k.Await("that both are subscribed", "juliet@", "subscription='both'")
		k.Await("juliet's presence", "<presence", "from='juliet@"+lab.Domain+"/balcony'")
	}
	juliet.Say("<presence><show>away</show></presence>")
	two.Await("a change of presence", "from='juliet@", "away")
	juliet.Close()
	for _, k := range []*labtest.Talker{one, two} {
		k.Await("that juliet has left", "unavailable", "from='juliet@"+lab.Domain+"/balcony'")
	}
	const count = 20
	for i := range count {
		if i == count/2 {
			kill(t, leader)
		}
		one.Say("<message to='juliet@%s' type='chat' id='m%d'><body>number %d</body></message>", lab.Domain, i, i)
	}
	again := labtest.Talk(t, l, "juliet", "chamber", others[1])
	again.AwaitCount(count, "what was kept", "<message", "number")
	again.Close()
	revive(t, l, leader)
	last := labtest.Talk(t, l, "juliet", "crypt", leader)
	last.Await("romeo's presence", "<presence", "from='romeo@"+lab.Domain+"/two'")
	one.Say("<message to='juliet@%s' type='chat'><body>the end</body></message>", lab.Domain)
	last.Await("the end", "the end")
	if n := len(last.Heard("number")); n != 0 {
		t.Errorf("%d messages came again", n)
	}
	inOrder(t, again, count)
	if list := one.Heard("type='error'"); len(list) != 0 {
		t.Errorf("romeo was answered %q", list)
	}
	t.Logf("M5.2 roster, handshake and presence over three nodes; %d offline messages through a killed leader, each once", count)
}

// befriend subscribes one to the other.
func befriend(a, b *labtest.Talker) {
	bare := func(k *labtest.Talker) string { return strings.Split(k.JID, "/")[0] }
	a.Say("<presence to='%s' type='subscribe'/>", bare(b))
	b.Await("a request", "type='subscribe'", bare(a))
	b.Say("<presence to='%s' type='subscribed'/>", bare(a))
	a.Await("the approval", "type='subscribed'", bare(b))
}

// inOrder checks that each message came once, in order.
func inOrder(t *testing.T, k *labtest.Talker, count int) {
	t.Helper()
	list := k.Heard("<message", "number")
	for i, elem := range list {
		if !strings.Contains(elem, fmt.Sprintf("number %d<", i)) {
			t.Errorf("message %d is %s", i, elem)
		}
	}
	if len(list) != count {
		t.Errorf("%d of %d messages came", len(list), count)
	}
}

func kill(t *testing.T, n *lab.Node) {
	t.Helper()
	if err := n.Signal(t.Context(), "xmppd", syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func revive(t *testing.T, l *lab.Lab, n *lab.Node) {
	t.Helper()
	if err := n.Revive(t.Context(), "xmppd"); err != nil {
		t.Fatal(err)
	}
	if err := l.WaitHealthy(t.Context(), 20*time.Second); err != nil {
		t.Fatal(err)
	}
}
