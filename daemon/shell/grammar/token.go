package grammar

import (
	"strings"

	"quorate.org/daemon/fault"
)

// Token is one word of a line after its quotes are resolved. Quoted tells a
// word that was quoted in any part, which is never taken for an option.
type Token struct {
	Text   string
	Quoted bool
}

// Tokens splits a line at spaces and tabs. Double quotes keep spaces and let a
// backslash escape the next character; single quotes keep everything; outside
// quotes a backslash escapes the next character. A quote left open is an
// InvalidArgument fault.
func Tokens(line string) ([]Token, error) {
	s := splitter{}
	for _, r := range line {
		s.take(r)
	}
	if s.quote != 0 || s.escaped {
		return nil, fault.Mend(fault.InvalidArgument, "a quote is not closed",
			"close it, or put a backslash before it")
	}
	s.finish()
	return s.tokens, nil
}

// splitter is the state of Tokens between two characters.
type splitter struct {
	tokens  []Token
	word    strings.Builder
	open    bool // a word has begun
	quoted  bool
	quote   rune // the quote that is open, or 0
	escaped bool // the next character stands for itself
}

func (s *splitter) take(r rune) {
	switch {
	case s.escaped:
		s.add(r)
		s.escaped = false
	case r == '\\' && s.quote != '\'':
		s.escaped, s.open = true, true
	case s.quote != 0:
		s.takeQuoted(r)
	case r == '"' || r == '\'':
		s.quote, s.open, s.quoted = r, true, true
	case isSpace(r):
		s.finish()
	default:
		s.add(r)
	}
}

func (s *splitter) takeQuoted(r rune) {
	if r == s.quote {
		s.quote = 0
		return
	}
	s.add(r)
}

func (s *splitter) add(r rune) {
	s.word.WriteRune(r)
	s.open = true
}

func (s *splitter) finish() {
	if s.open {
		s.tokens = append(s.tokens, Token{s.word.String(), s.quoted})
	}
	s.word.Reset()
	s.open, s.quoted = false, false
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// Words makes tokens of words a caller has split already, as a program's
// arguments are. None of them counts as quoted.
func Words(words []string) []Token {
	tokens := make([]Token, len(words))
	for i, w := range words {
		tokens[i] = Token{Text: w}
	}
	return tokens
}

// StripPrompts removes the prompts a person pasted with a line ("cb1> ",
// "cb1>> "), however many there are.
func StripPrompts(line string) string {
	for {
		line = strings.TrimLeft(line, " \t")
		rest, found := stripPrompt(line)
		if !found {
			return line
		}
		line = rest
	}
}

// stripPrompt removes one prompt: a host name, one or two '>', and a space or
// the end of the line.
func stripPrompt(line string) (rest string, found bool) {
	host, rest, found := strings.Cut(line, ">")
	if !found || host == "" || strings.Trim(host, hostCharacters) != "" {
		return line, false
	}
	rest = strings.TrimPrefix(rest, ">")
	if rest != "" && !isSpace(rune(rest[0])) {
		return line, false
	}
	return rest, true
}

const hostCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

// Quote returns word as it must be typed to be read back as one token.
func Quote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\r\n\"'\\") && !strings.HasPrefix(word, "--") {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}
