package local

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// What accounts are served with beside rosters and messages (XEP-0280, 0191, 0352,
// 0012, 0049, 0054, 0092, 0199, 0202, 0357; RFC 6121 §8.5.3.1), between users of two
// followers, and again by the next leader.
func TestServices(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others, err := l.Leader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &services{t: t}
	s.desk, s.phone = labtest.Talk(t, l, "benvolio", "desk", others[0]), labtest.Talk(t, l, "benvolio", "phone", others[1])
	s.friend, s.stranger = labtest.Talk(t, l, "mercutio", "m", others[1]), labtest.Talk(t, l, "tybalt", "t", others[0])
	befriend(s.desk, s.friend)
	befriend(s.friend, s.desk)
	s.ask(s.phone, "set", "", "<enable xmlns='urn:xmpp:carbons:2'/>", "result")
	s.ask(s.phone, "get", "", "<blocklist xmlns='urn:xmpp:blocking'/>", "<blocklist")
	s.push = labtest.Listen(t, labtest.Component(t, l, "cb1", others[1]))
	s.away = labtest.Talk(t, l, "balthasar", "phone", others[0])
	s.all("follower")

	const count = 20
	for i := range count {
		if i == count/2 {
			kill(t, leader)
		}
		s.desk.Say("<message to='%s' type='chat'><body>number %d</body></message>", s.friend.JID, i)
	}
	for _, k := range []*labtest.Talker{s.friend, s.phone} {
		k.AwaitCount(count, "messages and copies", "<message", "number")
		inOrder(t, k, count)
	}
	s.all("next leader")
	revive(t, l, leader)
	s.gone = labtest.Talk(t, l, "benvolio", "third", leader)
	s.ask(s.gone, "get", "", "<query xmlns='jabber:iq:private'><prefs xmlns='mine'/></query>", ">next leader</prefs>")
	if n := len(s.phone.Heard("<sent", "number")); n != count {
		t.Errorf("%d copies of %d messages", n, count)
	}
	t.Logf("carbons, blocking, client state, last activity, private XML, vCards, push notices, discovery and the presence check on followers and behind a killed leader; %d messages copied through it, each once", count)
}

// services are the users of this test.
type services struct {
	t                             *testing.T
	desk, phone, friend, stranger *labtest.Talker
	gone                          *labtest.Talker
	push                          *labtest.Talker // an app server
	away                          *labtest.Talker
	asked                         int
}

// ask sends a request and waits for an answer with those words.
func (s *services) ask(k *labtest.Talker, typ, to, payload string, words ...string) {
	s.t.Helper()
	s.asked++
	id := fmt.Sprintf("id='ask%d'", s.asked)
	if to != "" {
		to = " to='" + to + "'"
	}
	k.Say("<iq type='%s' %s%s>%s</iq>", typ, id, to, payload)
	k.Await("the answer to "+payload, append([]string{id}, words...)...)
}

func bareOf(k *labtest.Talker) string { return strings.Split(k.JID, "/")[0] }

// all goes through the services once; what it sends has the name of the round.
func (s *services) all(round string) {
	s.t.Helper()
	s.copies(round)
	s.blocking(round)
	s.clientState(round)
	s.lastActivity(round)
	s.kept(round)
	s.notices(round)
	s.server()
}

func (s *services) copies(round string) {
	s.t.Helper()
	s.desk.Say("<message to='%s' type='chat'><body>from desk, %s</body></message>", s.friend.JID, round)
	s.friend.Await("a message", "from desk, "+round)
	s.phone.Await("a copy of it", "<sent xmlns='urn:xmpp:carbons:2'", "from desk, "+round)
	s.friend.Say("<message to='%s' type='chat'><body>to desk, %s</body></message>", s.desk.JID, round)
	s.desk.Await("a message", "to desk, "+round)
	s.phone.Await("a copy of it", "<received xmlns='urn:xmpp:carbons:2'", "to desk, "+round)
}

func (s *services) blocking(round string) {
	s.t.Helper()
	before := len(s.phone.Heard("<block xmlns='urn:xmpp:blocking'"))
	s.ask(s.desk, "set", "", "<block xmlns='urn:xmpp:blocking'><item jid='"+bareOf(s.friend)+"'/></block>", "result")
	s.phone.AwaitCount(before+1, "the push", "<block xmlns='urn:xmpp:blocking'", bareOf(s.friend))
	s.friend.Say("<message to='%s' type='chat' id='barred %s'><body>barred, %s</body></message>", s.desk.JID, round, round)
	s.friend.Await("that it is barred", "barred "+round, "service-unavailable")
	s.desk.Say("<message to='%s' type='chat' id='barring %s'><body>x</body></message>", s.friend.JID, round)
	s.desk.Await("whom it blocks", "barring "+round, "<blocked xmlns='urn:xmpp:blocking:errors'")
	s.ask(s.desk, "set", "", "<unblock xmlns='urn:xmpp:blocking'/>", "result")
	s.friend.Say("<message to='%s' type='chat'><body>let in, %s</body></message>", s.desk.JID, round)
	s.desk.Await("it is let in", "let in, "+round)
	if list := s.desk.Heard("barred, " + round); len(list) != 0 {
		s.t.Errorf("what was barred came: %q", list)
	}
}

// clientState has presence wait for a message. That it waits is shown where no
// leader is needed, by package edge.
func (s *services) clientState(round string) {
	s.t.Helper()
	s.friend.Say("<inactive xmlns='urn:xmpp:csi:0'/>")
	s.ask(s.friend, "get", lab.Domain, "<ping xmlns='urn:xmpp:ping'/>", "result")
	s.desk.Say("<presence><status>waits, %s</status></presence>", round)
	s.desk.Say("<message to='%s' type='chat'><body>wakes, %s</body></message>", s.friend.JID, round)
	s.friend.Await("a message", "wakes, "+round)
	order := slices.Concat(s.friend.Heard("waits, "+round), s.friend.Heard("wakes, "+round))
	if all := s.friend.Heard(", " + round); len(order) != 2 || slices.Index(all, order[0]) > slices.Index(all, order[1]) {
		s.t.Errorf("the order is %q", all)
	}
	s.friend.Say("<active xmlns='urn:xmpp:csi:0'/>")
}

func (s *services) lastActivity(round string) {
	s.t.Helper()
	s.ask(s.desk, "get", bareOf(s.friend), "<query xmlns='jabber:iq:last'/>", "seconds='0'")
	s.ask(s.stranger, "get", bareOf(s.friend), "<query xmlns='jabber:iq:last'/>", "<forbidden")
	s.ask(s.stranger, "get", s.friend.JID, "<ping xmlns='urn:xmpp:ping'/>", "<service-unavailable")
	shown := []string{"<presence", "from='" + s.stranger.JID, "to='" + s.friend.JID + "'/>"}
	before := len(s.friend.Heard(shown...))
	s.stranger.Say("<presence to='%s'/>", s.friend.JID)
	s.friend.AwaitCount(before+1, "presence", shown...)
	s.friend.Say("<iq type='get' id='ping %s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", round, s.stranger.JID)
	s.stranger.Await("a request of whom it sent presence to", "ping "+round, "urn:xmpp:ping")
	gone := append(shown[:2:2], "unavailable")
	before = len(s.friend.Heard(gone...))
	s.stranger.Say("<presence to='%s' type='unavailable'/>", s.friend.JID)
	s.friend.AwaitCount(before+1, "its end", gone...)
}

func (s *services) kept(round string) {
	s.t.Helper()
	s.ask(s.desk, "set", "", "<query xmlns='jabber:iq:private'><prefs xmlns='mine'>"+round+"</prefs></query>", "result")
	s.ask(s.phone, "get", "", "<query xmlns='jabber:iq:private'><prefs xmlns='mine'/></query>", ">"+round+"</prefs>")
	s.ask(s.desk, "set", "", "<vCard xmlns='vcard-temp'><FN>"+round+"</FN></vCard>", "result")
	s.ask(s.stranger, "get", bareOf(s.desk), "<vCard xmlns='vcard-temp'/>", "<FN>"+round+"</FN>")
}

// notices has an app server hear of a message to somebody who is not available,
// until it says that the registration is gone.
func (s *services) notices(round string) {
	s.t.Helper()
	node := strings.ReplaceAll(round, " ", "-")
	s.away.Say("<presence type='unavailable'/>")
	s.ask(s.away, "set", bareOf(s.away), "<enable xmlns='urn:xmpp:push:0' jid='"+s.push.JID+"' node='"+node+"'/>", "result")
	told := func(count int) {
		s.t.Helper()
		s.desk.Say("<message to='%s' type='chat'><body>kept, %s %d</body></message>", bareOf(s.away), round, count)
		s.push.AwaitCount(count, "of a message", "<publish node='"+node+"'>", "<notification xmlns='urn:xmpp:push:0'/>")
	}
	told(1)
	told(2)
	id := idOf.FindStringSubmatch(s.push.Heard("<publish node='" + node + "'>")[0])
	s.push.Say("<iq type='error' from='%s' to='%s' id='%s'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", s.push.JID, lab.Domain, id[1])
	s.push.Say("<message from='%s' to='%s' type='chat'><body>ended, %s</body></message>", s.push.JID, s.desk.JID, round)
	s.desk.Await("what came behind the error", "ended, "+round)
	s.desk.Say("<message to='%s' type='chat'><body>kept, %s 3</body></message>", bareOf(s.away), round)
	s.desk.Say("<message to='%s' type='chat'><body>sent, %s</body></message>", s.away.JID, round)
	s.away.Await("what came behind the last one", "sent, "+round)
	s.away.Say("<presence/>")
	s.away.Await("what was kept", "kept, "+round+" 3")
	s.desk.Say("<message to='%s'><body>behind it, %s</body></message>", s.push.JID, round)
	s.push.Await("what came behind a notice, if there was one", "behind it, "+round)
	if list := s.push.Heard("<publish node='" + node + "'>"); len(list) != 2 {
		s.t.Errorf("the app server was told %d times: %q", len(list), list)
	}
	s.ask(s.away, "set", "", "<disable xmlns='urn:xmpp:push:0' jid='"+s.push.JID+"'/>", "result")
}

var idOf = regexp.MustCompile(` id='([^']*)'`)

func (s *services) server() {
	s.t.Helper()
	s.ask(s.desk, "get", lab.Domain, "<query xmlns='jabber:iq:version'/>", "<name>Quorate</name>")
	s.ask(s.desk, "get", lab.Domain, "<time xmlns='urn:xmpp:time'/>", "<tzo>+00:00</tzo>")
	s.ask(s.desk, "get", lab.Domain, "<query xmlns='jabber:iq:last'/>", "seconds='")
	s.ask(s.desk, "get", lab.Domain, "<query xmlns='http://jabber.org/protocol/disco#info'/>", "urn:xmpp:carbons:2", "urn:xmpp:blocking", "vcard-temp")
}
