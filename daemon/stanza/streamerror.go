package stanza

import "quorate.org/daemon/xmlwire"

// NSStreams qualifies stream error conditions (RFC 6120 §4.9.2).
const NSStreams = "urn:ietf:params:xml:ns:xmpp-streams"

// The stream error conditions (RFC 6120 §4.9.3), plain strings as in
// xmlwire.Error.
const (
	StreamBadFormat              = xmlwire.BadFormat
	StreamBadNamespacePrefix     = xmlwire.BadNamespacePrefix
	StreamConflict               = "conflict"
	StreamConnectionTimeout      = "connection-timeout"
	StreamHostGone               = "host-gone"
	StreamHostUnknown            = "host-unknown"
	StreamImproperAddressing     = "improper-addressing"
	StreamInternalServerError    = "internal-server-error"
	StreamInvalidFrom            = "invalid-from"
	StreamInvalidNamespace       = xmlwire.InvalidNamespace
	StreamInvalidXML             = "invalid-xml"
	StreamNotAuthorized          = "not-authorized"
	StreamNotWellFormed          = xmlwire.NotWellFormed
	StreamPolicyViolation        = xmlwire.PolicyViolation
	StreamRemoteConnectionFailed = "remote-connection-failed"
	StreamReset                  = "reset"
	StreamResourceConstraint     = "resource-constraint"
	StreamRestrictedXML          = xmlwire.RestrictedXML
	StreamSeeOtherHost           = "see-other-host"
	StreamSystemShutdown         = "system-shutdown"
	StreamUndefinedCondition     = "undefined-condition"
	StreamUnsupportedEncoding    = xmlwire.UnsupportedEncoding
	StreamUnsupportedFeature     = "unsupported-feature"
	StreamUnsupportedStanzaType  = "unsupported-stanza-type"
	StreamUnsupportedVersion     = "unsupported-version"
)

// StreamEnd closes a stream (RFC 6120 §4.4).
const StreamEnd = "</stream:stream>"

// AppendStreamError appends a stream error (RFC 6120 §4.9.2) with an optional
// text, without the end of the stream, which must follow (§4.9.1.1). The stream
// header sent before it must bind the prefix stream.
func AppendStreamError(dst []byte, condition, text string) []byte {
	dst = append(dst, "<stream:error><"...)
	dst = append(dst, condition...)
	dst = append(dst, " xmlns='"+NSStreams+"'/>"...)
	if text != "" {
		dst = append(dst, "<text xmlns='"+NSStreams+"' xml:lang='en'>"...)
		dst = xmlwire.AppendEscaped(dst, text)
		dst = append(dst, "</text>"...)
	}
	return append(dst, "</stream:error>"...)
}
