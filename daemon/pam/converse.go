package pam

import "unsafe"

// message is struct pam_message, response struct pam_response (pam_conv(3)).
type message struct {
	style int32
	_     unsafe.Pointer // what the module says
}

type response struct {
	text unsafe.Pointer
	code int32
}

// Message styles and results of a conversation (security/_pam_types.h).
const (
	promptEchoOff = 1
	promptEchoOn  = 2

	success  = 0
	bufError = 5
	convErr  = 19
)

// secret is the password on its way to PAM, wholly in C's memory: no Go pointer
// passes through C.
type secret struct {
	text   unsafe.Pointer
	length uintptr
	given  bool
}

// keep copies a password to C's memory; drop wipes and frees the copy.
func (l *library) keep(password []byte) *secret {
	s := (*secret)(l.calloc(1, unsafe.Sizeof(secret{})))
	if s == nil {
		return nil
	}
	s.length = uintptr(len(password))
	if s.text = l.copyText(unsafe.SliceData(password), s.length); s.text == nil {
		l.free(unsafe.Pointer(s))
		return nil
	}
	return s
}

func (l *library) drop(s *secret) {
	clear(unsafe.Slice((*byte)(s.text), s.length))
	l.free(s.text)
	l.free(unsafe.Pointer(s))
}

// copyText returns a C string of the bytes at from.
func (l *library) copyText(from *byte, length uintptr) unsafe.Pointer {
	p := l.calloc(length+1, 1)
	if p != nil {
		copy(unsafe.Slice((*byte)(p), length), unsafe.Slice(from, length))
	}
	return p
}

// answer is the conversation function. The password answers the first prompt
// that hides what is typed; a module that asks for anything else, or asks again,
// is refused, so that a password never lands in the wrong field. On success PAM
// wipes and frees the answers, on failure they are ours (pam_conv(3)).
func (l *library) answer(count int32, messages **message, out *unsafe.Pointer, data unsafe.Pointer) int32 {
	s := (*secret)(data)
	answers := l.calloc(uintptr(max(count, 1)), unsafe.Sizeof(response{}))
	if answers == nil {
		return bufError
	}
	given := unsafe.Slice((*response)(answers), count)
	for i, m := range unsafe.Slice(messages, count) {
		var code int32
		if given[i].text, code = l.reply(s, m.style); code != success {
			l.takeBack(answers, given, s.length)
			return code
		}
	}
	*out = answers
	return success
}

// reply answers one message; what is only told needs no text.
func (l *library) reply(s *secret, style int32) (unsafe.Pointer, int32) {
	switch {
	case style == promptEchoOn || style == promptEchoOff && s.given:
		return nil, convErr
	case style != promptEchoOff:
		return nil, success
	}
	s.given = true
	text := l.copyText((*byte)(s.text), s.length)
	if text == nil {
		return nil, bufError
	}
	return text, success
}

// takeBack frees answers that PAM does not get.
func (l *library) takeBack(answers unsafe.Pointer, given []response, length uintptr) {
	for _, r := range given {
		if r.text != nil {
			clear(unsafe.Slice((*byte)(r.text), length))
			l.free(r.text)
		}
	}
	l.free(answers)
}
