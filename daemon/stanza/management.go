package stanza

import (
	"bytes"
	"strconv"
	"time"

	"quorate.org/daemon/xmlwire"
)

// NSManagement qualifies the elements of stream management (XEP-0198).
const NSManagement = "urn:xmpp:sm:3"

// AppendAck appends <a/>: how many stanzas of the client are handled (XEP-0198 §4).
func AppendAck(dst []byte, h uint32) []byte {
	dst = append(dst, "<a xmlns='"+NSManagement+"' h='"...)
	return append(strconv.AppendUint(dst, uint64(h), 10), "'/>"...)
}

// AppendAsk appends <r/>, which asks for an <a/>.
func AppendAsk(dst []byte) []byte { return append(dst, "<r xmlns='"+NSManagement+"'/>"...) }

// AppendEnabled appends the answer to <enable/> (XEP-0198 §3): with a token the
// stream can be resumed by it within a time.
func AppendEnabled(dst []byte, token string, within time.Duration) []byte {
	dst = append(dst, "<enabled xmlns='"+NSManagement+"'"...)
	if token == "" {
		return append(dst, "/>"...)
	}
	dst = append(dst, " id='"...)
	dst = xmlwire.AppendEscaped(dst, token)
	dst = append(dst, "' resume='true' max='"...)
	return append(strconv.AppendInt(dst, int64(within/time.Second), 10), "'/>"...)
}

// AppendResumed appends the answer to <resume/> (XEP-0198 §5).
func AppendResumed(dst []byte, token string, h uint32) []byte {
	dst = append(dst, "<resumed xmlns='"+NSManagement+"' previd='"...)
	dst = xmlwire.AppendEscaped(dst, token)
	dst = append(dst, "' h='"...)
	return append(strconv.AppendUint(dst, uint64(h), 10), "'/>"...)
}

// AppendFailed appends what answers an <enable/> or <resume/> that fails (XEP-0198
// §6); h, if it is known, is what was received of the session that has ended (§5).
func AppendFailed(dst []byte, c Condition, h uint32, known bool) []byte {
	dst = append(dst, "<failed xmlns='"+NSManagement+"'"...)
	if known {
		dst = append(dst, " h='"...)
		dst = append(strconv.AppendUint(dst, uint64(h), 10), '\'')
	}
	return append(dst, "><"+string(c)+" xmlns='"+NSStanzas+"'/></failed>"...)
}

// AppendTooHigh appends what a stream error says of a client that acknowledges more
// than it was sent (XEP-0198 §6).
func AppendTooHigh(dst []byte, h, sent uint32) []byte {
	dst = append(dst, "<handled-count-too-high xmlns='"+NSManagement+"' h='"...)
	dst = strconv.AppendUint(dst, uint64(h), 10)
	dst = append(dst, "' send-count='"...)
	return append(strconv.AppendUint(dst, uint64(sent), 10), "'/>"...)
}

// IsManagement reports whether an element of the server's own is one of stream
// management, which is no stanza and not counted.
func IsManagement(raw []byte) bool {
	_, rest, _ := bytes.Cut(raw, []byte(" xmlns='"))
	return len(raw) > 2 && (raw[1] == 'a' || raw[1] == 'r' || raw[1] == 'e') && bytes.HasPrefix(rest, []byte(NSManagement+"'"))
}
