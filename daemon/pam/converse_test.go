package pam

import (
	"slices"
	"testing"
	"unsafe"
)

// The password answers one hidden prompt and nothing else: a module that asks
// again, or for something that is shown, gets no answer at all.
func TestOneAnswer(t *testing.T) {
	const info = 4
	l, err := load()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		styles []int32
		code   int32
		want   []string
	}{
		{"one prompt", []int32{promptEchoOff}, success, []string{"secret"}},
		{"a notice before it", []int32{info, promptEchoOff}, success, []string{"", "secret"}},
		{"two prompts", []int32{promptEchoOff, promptEchoOff}, convErr, nil},
		{"a name", []int32{promptEchoOn}, convErr, nil},
		{"a name after the password", []int32{promptEchoOff, promptEchoOn}, convErr, nil},
		{"nothing", nil, success, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := l.keep([]byte("secret"))
			defer l.drop(s)
			got, code := l.ask(s, tt.styles)
			if code != tt.code || !slices.Equal(got, tt.want) {
				t.Errorf("%q, %d; want %q, %d", got, code, tt.want, tt.code)
			}
			if again, code := l.ask(s, []int32{promptEchoOff}); s.given && code == success && len(tt.want) > 0 {
				t.Errorf("a second conversation got %q", again)
			}
		})
	}
}

// ask is what PAM does with a conversation function.
func (l *library) ask(s *secret, styles []int32) (texts []string, code int32) {
	messages := make([]*message, max(len(styles), 1))
	for i, style := range styles {
		messages[i] = &message{style: style}
	}
	var out unsafe.Pointer
	if code = l.answer(int32(len(styles)), unsafe.SliceData(messages), &out, unsafe.Pointer(s)); code != success {
		return nil, code
	}
	defer l.free(out)
	texts = []string{}
	for _, r := range unsafe.Slice((*response)(out), len(styles)) {
		if r.text == nil {
			texts = append(texts, "")
			continue
		}
		texts = append(texts, text(r.text))
		l.free(r.text)
	}
	return texts, code
}
