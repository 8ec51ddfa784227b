package stream

import (
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// Violation is a stream error in the making: its condition (RFC 6120 §4.9.3)
// and, for the peer and the journal, a sentence about it without the peer's
// data.
type Violation = xmlwire.Error

func violate(condition, text string) *Violation {
	return &Violation{Condition: condition, Text: text}
}

// AppendEnd appends what ends a stream whose header was sent: a stream error
// (RFC 6120 §4.9.1.1), unless condition is "", and the end tag.
func AppendEnd(dst []byte, condition, text string) []byte {
	return AppendEndOf(dst, &Violation{Condition: condition, Text: text})
}

// AppendEndOf is AppendEnd with all that a violation has to say.
func AppendEndOf(dst []byte, v *Violation) []byte {
	if v.Condition != "" {
		dst = stanza.AppendStreamError(dst, v.Condition, v.Text)
		if v.Detail != "" { // RFC 6120 §4.9.4: behind the text
			dst = append(dst[:len(dst)-len("</stream:error>")], v.Detail...)
			dst = append(dst, "</stream:error>"...)
		}
	}
	return append(dst, stanza.StreamEnd...)
}
