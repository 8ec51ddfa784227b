package hostile

import (
	"fmt"
	"strings"
)

// Stage is how far a stream has come when the bytes are sent.
type Stage string

// The stages. Those behind Header are over TLS.
const (
	Header Stage = "header" // nothing was sent
	Opened Stage = "opened" // a client's header was answered
	Bound  Stage = "bound"  // a client is bound
)

// Case is one thing that no peer should send.
type Case struct {
	Stage Stage
	Name  string
	Send  string
	Want  string // the condition of the stream error
}

// open is a client's stream header with parts of it replaced.
func open(domain string, replace ...string) string {
	return strings.NewReplacer(replace...).Replace("<?xml version='1.0'?><stream:stream xmlns='jabber:client'" +
		" xmlns:stream='http://etherx.jabber.org/streams' to='" + domain + "' version='1.0'>")
}

// Corpus returns the cases, for a server of that domain.
func Corpus(domain string) []Case {
	list := headers(domain)
	for _, c := range xml() {
		for _, stage := range []Stage{Opened, Bound} {
			c.Stage = stage
			list = append(list, c)
		}
	}
	list = append(list, opened()...)
	return append(list, bound(domain)...)
}

func headers(domain string) []Case {
	return []Case{
		{Header, "DTD", "<!DOCTYPE stream>", "restricted-xml"},
		{Header, "DTD with an entity bomb", "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>" + open(domain, "<?xml version='1.0'?>", ""), "restricted-xml"},
		{Header, "external entity", "<?xml version='1.0'?><!DOCTYPE a SYSTEM 'file:///etc/passwd'>", "restricted-xml"},
		{Header, "comment", "<!-- x -->", "restricted-xml"},
		{Header, "instruction", "<?php x?>", "restricted-xml"},
		{Header, "UTF-16", "\xff\xfe<\x00?\x00x\x00", "unsupported-encoding"},
		{Header, "UTF-16 declared", open(domain, "version='1.0'?", "version='1.0' encoding='UTF-16'?"), "unsupported-encoding"},
		{Header, "Latin-1 declared", open(domain, "version='1.0'?", "version='1.0' encoding='ISO-8859-1'?"), "unsupported-encoding"},
		{Header, "HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not-well-formed"},
		{Header, "SMTP", "EHLO x\r\n", "not-well-formed"},
		{Header, "end tag first", "</stream:stream>", "not-well-formed"},
		{Header, "zero bytes", "\x00\x00\x00\x00", "unsupported-encoding"},
		{Header, "endless name", "<" + strings.Repeat("x", 64<<10), "policy-violation"},
		{Header, "endless attribute", "<stream:stream xmlns='" + strings.Repeat("x", 64<<10), "policy-violation"},
		{Header, "endless declaration", "<?xml version='1.0'" + strings.Repeat(" ", 64<<10), "policy-violation"},
		{Header, "many attributes", "<stream:stream" + attributes(500), "policy-violation"},
		{Header, "other root", "<html xmlns='http://www.w3.org/1999/xhtml'>", "invalid-namespace"},
		{Header, "other stream namespace", open(domain, "etherx.jabber.org", "elsewhere.example"), "invalid-namespace"},
		{Header, "no stream namespace", "<stream to='" + domain + "' version='1.0' xmlns='jabber:client'>", "invalid-namespace"},
		{Header, "server's namespace", open(domain, "jabber:client", "jabber:server"), "invalid-namespace"},
		{Header, "no content namespace", open(domain, " xmlns='jabber:client'", ""), "invalid-namespace"},
		{Header, "undeclared prefix", "<stream:stream to='" + domain + "' version='1.0'>", "bad-namespace-prefix|not-well-formed"},
		{Header, "unknown host", open("elsewhere.example"), "host-unknown"},
		{Header, "no host", open(domain, " to='"+domain+"'", ""), "host-unknown"},
		{Header, "a user for a host", open("a@" + domain), "host-unknown"},
		{Header, "a malformed host", open("@@"), "host-unknown"},
		{Header, "version 0.9", open(domain, " version='1.0'>", ">"), "unsupported-version"},
		{Header, "version 2.0", open(domain, " version='1.0'>", " version='2.0'>"), "unsupported-version"},
		{Header, "a malformed sender", open(domain, " to=", " from='@' to="), "improper-addressing"},
		{Header, "a sender of another domain", open(domain, " to=", " from='a@elsewhere.example' to="), "invalid-from"},
		{Header, "the same attribute twice", open(domain, " to=", " version='1.0' to="), "not-well-formed"},
	}
}

// xml is what is no XML of RFC 6120 §11 at any time behind the header.
func xml() []Case {
	return []Case{
		{"", "mismatched tags", "<message></presence>", "not-well-formed"},
		{"", "markup in a tag", "<message <", "not-well-formed"},
		{"", "an undeclared prefix", "<message><x:y/></message>", "not-well-formed"},
		{"", "the same attribute twice", "<message id='a' id='b'/>", "not-well-formed"},
		{"", "the same attribute by two prefixes", "<message xmlns:a='u' xmlns:b='u' a:x='' b:x=''/>", "not-well-formed"},
		{"", "an attribute without quotes", "<message id=a/>", "not-well-formed"},
		{"", "a control character", "<message><body>\x01</body></message>", "not-well-formed"},
		{"", "a reference to a control character", "<message><body>&#1;</body></message>", "not-well-formed"},
		{"", "a reference to a surrogate", "<message><body>&#xD800;</body></message>", "not-well-formed"},
		{"", "invalid UTF-8", "<message><body>\xff\xfe</body></message>", "bad-format|not-well-formed|unsupported-encoding"},
		{"", "overlong UTF-8", "<message><body>\xc0\xaf</body></message>", "bad-format|not-well-formed|unsupported-encoding"},
		{"", "a surrogate in UTF-8", "<message><body>\xed\xa0\x80</body></message>", "bad-format|not-well-formed|unsupported-encoding"},
		{"", "an end of CDATA in text", "<message><body>]]></body></message>", "not-well-formed"},
		{"", "text between stanzas", "hello", "bad-format"},
		{"", "a DTD", "<!DOCTYPE a [<!ENTITY x 'y'>]>", "restricted-xml"},
		{"", "a comment", "<message><!-- x --></message>", "restricted-xml"},
		{"", "a comment between stanzas", "<!-- x -->", "restricted-xml"},
		{"", "an instruction", "<?php x?>", "restricted-xml"},
		{"", "an entity", "<message>&nbsp;</message>", "restricted-xml"},
		{"", "a second declaration", "<?xml version='1.0'?>", "restricted-xml|not-well-formed"},
		{"", "deep nesting", "<message>" + strings.Repeat("<a>", 1000), "policy-violation"},
		{"", "many attributes", "<message" + attributes(500) + "/>", "policy-violation"},
		{"", "an oversized stanza", "<message><body>" + strings.Repeat("x", 300<<10), "policy-violation"},
		{"", "an endless name", "<" + strings.Repeat("x", 300<<10), "policy-violation"},
		{"", "an endless attribute", "<message id='" + strings.Repeat("x", 300<<10), "policy-violation"},
		{"", "an unknown element", "<pubsub/>", "unsupported-stanza-type"},
		{"", "an unknown namespace", "<x xmlns='urn:example:unknown'/>", "unsupported-stanza-type"},
		{"", "a stanza of a server", "<message xmlns='jabber:server'/>", "invalid-namespace"},
	}
}

func opened() []Case {
	return []Case{
		{Opened, "a stanza", "<message to='a@b'/>", "not-authorized"},
		{Opened, "a bind without a sign-in", "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "not-authorized"},
		{Opened, "jabber:iq:auth", "<iq type='set' id='1'><query xmlns='jabber:iq:auth'/></iq>", "not-authorized"},
		{Opened, "registration", "<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>", "not-authorized"},
		{Opened, "an unknown word of SASL", "<frob xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "unsupported-stanza-type"},
		{Opened, "an unknown word of SASL2", "<next xmlns='urn:xmpp:sasl:2' task='x'/>", "unsupported-stanza-type"},
		{Opened, "two sign-ins at once", "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='SCRAM-SHA-1'/><authenticate xmlns='urn:xmpp:sasl:2' mechanism='SCRAM-SHA-1'/>", "not-authorized"},
		{Opened, "compression", "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>", "unsupported-stanza-type"},
		{Opened, "a component's handshake", "<handshake>00</handshake>", "unsupported-stanza-type"},
		{Opened, "an oversized sign-in", "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>" + strings.Repeat("x", 20<<10), "policy-violation"},
	}
}

func bound(domain string) []Case {
	return []Case{
		{Bound, "another's address", "<message from='romeo@" + domain + "' to='juliet@" + domain + "'/>", "invalid-from"},
		{Bound, "another resource", "<message from='juliet@" + domain + "/none' to='juliet@" + domain + "'/>", "invalid-from"},
		{Bound, "the server's address", "<message from='" + domain + "' to='juliet@" + domain + "'/>", "invalid-from"},
		{Bound, "a malformed address", "<presence from='@@'/>", "invalid-from"},
		{Bound, "another's address by references", "<message from='&#114;omeo@" + domain + "' to='juliet@" + domain + "'/>", "invalid-from"},
		{Bound, "a namespace without end", "<iq type='set' id='1'><query xmlns='jabber:iq:private' xmlns:a='" + strings.Repeat("u", 100<<10) + "'><a:b/></query></iq>", "policy-violation"},
		{Bound, "STARTTLS", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "not-authorized"},
		{Bound, "SASL", "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'/>", "not-authorized"},
		{Bound, "SASL2", "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='SCRAM-SHA-1'/>", "not-authorized"},
		{Bound, "a component's handshake", "<handshake/>", "unsupported-stanza-type"},
	}
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	return b.String()
}
