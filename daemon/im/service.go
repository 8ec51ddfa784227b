package im

import (
	"quorate.org/daemon/jid"
	"quorate.org/daemon/xmlwire"
)

// services are the namespaces of requests that an account answers beside its
// roster.
var services = map[string]bool{
	NSCarbons:                                true,
	"urn:xmpp:mam:2":                         true, // XEP-0313
	NSBlocking:                               true,
	NSLast:                                   true,
	NSPrivate:                                true,
	NSVCard:                                  true,
	NSPush:                                   true,
	nsPubsub:                                 true, // XEP-0060
	nsPubsub + "#owner":                      true,
	"http://jabber.org/protocol/disco#info":  true, // XEP-0030, of what an account publishes
	"http://jabber.org/protocol/disco#items": true,
}

// Service reports whether requests of a namespace are for a service of the
// account that they are addressed to.
func Service(space []byte) bool { return services[string(space)] }

// payload returns the first child of an IQ.
func payload(raw []byte) (v xmlwire.View) {
	for c := range xmlwire.Look(raw, nil).Children() {
		return c
	}
	return v
}

// Namespace returns the namespace of the payload of the IQ raw.
func Namespace(raw []byte) string { return string(payload(raw).Space) }

// Bare returns the bare form of an address, "" for one that is none.
func Bare(addr string) string {
	j, err := jid.Parse(addr)
	if err != nil {
		return ""
	}
	return j.Bare().String()
}

// Payload returns the name of the payload of the IQ raw.
func Payload(raw []byte) string { return string(payload(raw).Name) }
