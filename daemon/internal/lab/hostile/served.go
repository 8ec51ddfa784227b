package hostile

import (
	"fmt"
	"strings"
)

// Served is the stage of stanzas in good order that ask much of a service, from a
// client that is bound. Their streams go on, unless Want is a stream error.
const Served Stage = "served"

// ServedID is the id of the requests among them.
const ServedID = "served"

// whole is about as much as one stanza may have (xmpp.max_stanza).
const whole = 254 << 10

// Refusals of what is too much, and of what is nobody's business.
const (
	tooMuch = "resource-constraint|policy-violation|not-acceptable|bad-request|not-allowed"
	noEntry = "item-not-found|forbidden|not-authorized|not-allowed|service-unavailable|presence-subscription-required"
)

// Services returns the cases, for a client of that domain. Want is the condition of the
// answer, or a result; what asks for no answer has none.
func Services(domain string) []Case {
	const pubsub = "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
	mam := func(inner string) string {
		return "<query xmlns='urn:xmpp:mam:2'>" + inner + "</query>"
	}
	rsm := func(inner string) string {
		return mam("<set xmlns='http://jabber.org/protocol/rsm'>" + inner + "</set>")
	}
	fields := func(inner string) string {
		return mam("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>" + inner + "</x>")
	}
	prefixes := new(strings.Builder)
	for i := range 60 {
		fmt.Fprintf(prefixes, " xmlns:a%d='u'", i)
	}
	return []Case{
		{Served, "private XML in a long namespace", set("", "<query xmlns='jabber:iq:private' xmlns:a='"+strings.Repeat("u", 1000)+"'>"+filled(whole, "<a:b%d c=''/>")+"</query>"), tooMuch},
		{Served, "private XML of many elements", set("", "<query xmlns='jabber:iq:private'>"+filled(whole, "<b xmlns='u%d'/>")+"</query>"), tooMuch},
		{Served, "an archive's messages by 10,000s of names", set("", fields("<field var='ids'>"+filled(whole, "<value>%d</value>")+"</field>")), tooMuch + "|item-not-found"},
		{Served, "an archive by 1,000s of fields", set("", fields(filled(whole, "<field var='with%d'><value>a@b</value></field>"))), tooMuch + "|feature-not-implemented"},
		{Served, "a page of 4,294,967,295", set("", rsm("<max>4294967295</max>")), "result|" + tooMuch},
		{Served, "a page without end", set("", rsm("<max>"+strings.Repeat("9", 100<<10)+"</max>")), "result|" + tooMuch},
		{Served, "a page behind a name without end", set("", rsm("<after>"+strings.Repeat("a", 250<<10)+"</after>")), tooMuch + "|item-not-found"},
		{Served, "a block list of 10,000s", set("", "<block xmlns='urn:xmpp:blocking'>"+filled(whole, "<item jid='%d@b'/>")+"</block>"), tooMuch},
		{Served, "a contact in 10,000s of groups", set("", "<query xmlns='jabber:iq:roster'><item jid='a@b'>"+filled(whole, "<group>%d</group>")+"</item></query>"), tooMuch},
		{Served, "10,000s of children in 60 scopes", "<message to='mallory@" + domain + "' type='headline'" + prefixes.String() + ">" + strings.Repeat("<x xmlns='b'/>", (whole-2<<10)/14) + "</message>", ""},
		{Served, "a large item", set("", pubsub+"<publish node='urn:large'><item id='1'><a xmlns='u'>"+strings.Repeat("x", 180<<10)+"</a></item></publish></pubsub>"), "result|" + tooMuch},
		{Served, "an item that is too large", set("", pubsub+"<publish node='urn:large'><item id='1'><a xmlns='u'>"+strings.Repeat("x", 230<<10)+"</a></item></publish></pubsub>"), tooMuch},
		{Served, "an item with a name without end", set("", pubsub+"<publish node='urn:name'><item id='"+strings.Repeat("i", 250<<10)+"'><a xmlns='u'/></item></publish></pubsub>"), tooMuch},
		{Served, "1,000s of items at once", set("", pubsub+"<publish node='urn:many'>"+filled(whole, "<item id='%d'><a xmlns='u'/></item>")+"</publish></pubsub>"), tooMuch},
		{Served, "another's items", set(domain, pubsub+"<items node='urn:large'/></pubsub>"), noEntry + "|bad-request"},
		{Served, "another's node", set(domain, pubsub+"<publish node='urn:large'><item id='1'><a xmlns='u'/></item></publish></pubsub>"), noEntry},
		{Served, "another's subscriptions", set(domain, "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><subscriptions node='urn:large'/></pubsub>"), noEntry + "|bad-request"},
	}
}

// Unconfirmed is what a client sends that lets stream management keep more than it may
// (XEP-0198): answers that it never says it has.
func Unconfirmed(domain string) Case {
	ping := "<iq type='get' id='" + strings.Repeat("i", 50<<10) + "' to='" + domain + "'><ping xmlns='urn:xmpp:ping'/></iq>"
	return Case{Served, "answers that nobody confirms", "<enable xmlns='urn:xmpp:sm:3' resume='true'/>" + strings.Repeat(ping, 60), "resource-constraint|policy-violation"}
}

// set is a request, to another's account where a domain is given.
func set(domain, payload string) string {
	to := ""
	if domain != "" {
		to = " to='bob@" + domain + "'"
	}
	return "<iq type='set' id='" + ServedID + "'" + to + ">" + payload + "</iq>"
}

// filled is a numbered element again and again, up to a size.
func filled(size int, format string) string {
	var b strings.Builder
	for i := 0; b.Len() < size-1<<10; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
