package lab

import "testing"

func TestAfterEcho(t *testing.T) {
	tests := []struct {
		text, line, want string
		ok               bool
	}{
		{"xmpp status\nEnabled : true\ncb1> ", "xmpp status", "\nEnabled : true\ncb1> ", true},
		{"xmpp status", "xmpp status", "", false},                                // the line end is not there yet
		{"xmpp sta", "xmpp status", "", false},                                   // nor the whole echo
		{"pki csr xm\npp CN:a\nSUCCESS", "pki csr xmpp CN:a", "\nSUCCESS", true}, // wrapped by the terminal
		{"cb1> other\n", "xmpp status", "", false},
	}
	for _, tc := range tests {
		if got, ok := afterEcho(tc.text, tc.line); got != tc.want || ok != tc.ok {
			t.Errorf("afterEcho(%q, %q) = %q, %v; want %q, %v", tc.text, tc.line, got, ok, tc.want, tc.ok)
		}
	}
}

func TestClean(t *testing.T) {
	const in = "\x1b[?2004hcb1> \x1b[K\x1b[1mfoo\x1b[0m\r\n"
	if got, want := clean(in), "cb1> foo\n"; got != want {
		t.Errorf("clean(%q) = %q, want %q", in, got, want)
	}
}

func TestAtPrompt(t *testing.T) {
	tests := []struct {
		text string
		want bool
	}{
		{"cb1> ", true}, {"welcome\ncb1> ", true}, {"cb1> x", false}, {"say cb1> ", false},
	}
	for _, tc := range tests {
		if got := atPrompt(tc.text, "cb1> "); got != tc.want {
			t.Errorf("atPrompt(%q) = %v", tc.text, got)
		}
	}
}

// A prompt that comes in pieces is one prompt.
func TestAsks(t *testing.T) {
	answers := []Answer{{Prompt: "assphrase"}, {Prompt: "assphrase"}}
	tests := []struct {
		text    string
		answers []Answer
		want    int
	}{
		{"\nEnter pass", answers, 0},
		{"\nEnter passphrase", answers, 17},
		{": ", answers[1:], 0}, // the rest of the first
		{": \nEnter passphrase again: ", answers[1:], 19},
		{"Enter passphrase: \nSUCCESS", answers, 0}, // answered by somebody else
		{"\nEnter passphrase: ", nil, 0},
	}
	for _, tc := range tests {
		if got := asks(tc.text, tc.answers); got != tc.want {
			t.Errorf("asks(%q) = %d, want %d", tc.text, got, tc.want)
		}
	}
}
