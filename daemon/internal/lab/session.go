package lab

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Session is one interactive login with a terminal, typed into as a person
// would. Calls must not overlap.
type Session struct {
	Greeting string // what was printed before the first prompt

	prompt string
	cmd    *exec.Cmd
	stdin  io.WriteCloser

	mu     sync.Mutex // guards what the reading goroutine shares
	screen strings.Builder
	ended  error
	more   chan struct{} // capacity 1: there is something new
}

// Answer is typed when the output ends with Prompt.
type Answer struct{ Prompt, Text string }

// Session signs in to the node and waits for the prompt.
func (n *Node) Session(ctx context.Context) (*Session, error) {
	argv := n.SSH()
	argv = append(argv[:len(argv)-1:len(argv)-1], "-tt", n.name)
	s := &Session{prompt: n.name + "> ", cmd: exec.Command(argv[0], argv[1:]...), more: make(chan struct{}, 1)}
	var err error
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("opening the terminal's input: %w", err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("opening the terminal's output: %w", err)
	}
	s.cmd.Stderr = s.cmd.Stdout
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting ssh: %w", err)
	}
	go s.read(out) // ends with the ssh process
	s.Greeting, err = s.until(ctx, 15*time.Second, func(text string) bool { return atPrompt(text, s.prompt) })
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("signing in to %s: %w", n.name, err)
	}
	return s, nil
}

func (s *Session) read(out io.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := out.Read(buf)
		s.mu.Lock()
		s.screen.Write(buf[:n])
		s.ended = err
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// Type types a line, answers its prompts, and returns what was printed until
// the next prompt. A prompt without an answer here ends in the time limit.
func (s *Session) Type(ctx context.Context, line string, answers ...Answer) (string, error) {
	s.mu.Lock()
	s.screen.Reset()
	s.mu.Unlock()
	if _, err := io.WriteString(s.stdin, line+"\r"); err != nil {
		return "", fmt.Errorf("typing %q: %w", line, err)
	}
	asked := 0 // how far the output is answered: a prompt is, once, even if it comes in pieces
	text, err := s.until(ctx, execLimit, func(text string) bool {
		rest, ok := afterEcho(text, line)
		if !ok {
			return false
		}
		if end := asks(rest[min(asked, len(rest)):], answers); end > 0 {
			_, _ = io.WriteString(s.stdin, answers[0].Text+"\r") // an ended session is seen by until
			asked, answers = asked+end, answers[1:]
		}
		return atPrompt(rest, s.prompt)
	})
	rest, _ := afterEcho(text, line)
	rest = strings.TrimSuffix(strings.TrimRight(rest, " "), strings.TrimRight(s.prompt, " "))
	if err != nil {
		return rest, fmt.Errorf("typing %q: %w", line, err)
	}
	return strings.Trim(rest, "\n"), nil
}

// asks is where the prompt of the first answer ends in the last line of a text,
// 0 when the line does not have it.
func asks(text string, answers []Answer) int {
	if len(answers) == 0 {
		return 0
	}
	at := strings.LastIndex(text, answers[0].Prompt)
	if at < 0 || strings.Contains(text[at:], "\n") {
		return 0
	}
	return at + len(answers[0].Prompt)
}

// until reads on until done says so.
func (s *Session) until(ctx context.Context, limit time.Duration, done func(string) bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		s.mu.Lock()
		text, ended := clean(s.screen.String()), s.ended
		s.mu.Unlock()
		switch {
		case done(text):
			return text, nil
		case ended != nil:
			return text, fmt.Errorf("the session ended: %w; it last printed %q", ended, last(text, 300))
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			return text, fmt.Errorf("waiting for the prompt: %w; it last printed %q", ctx.Err(), last(text, 300))
		}
	}
}

// Close hangs up.
func (s *Session) Close() {
	_ = s.stdin.Close()
	_ = s.cmd.Process.Kill() // its end is all that is wanted
	_ = s.cmd.Wait()
}

// escape matches terminal control sequences (ECMA-48 §5.4) and carriage returns.
var escape = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[=>]|\r|\x07`)

func clean(s string) string { return escape.ReplaceAllString(s, "") }

func atPrompt(text, prompt string) bool {
	return strings.HasSuffix(text, "\n"+prompt) || text == prompt
}

// afterEcho returns what follows the echo of line, which the terminal may have
// wrapped, and the line end behind it.
func afterEcho(text, line string) (string, bool) {
	want := strings.Join(strings.Fields(line), "")
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case want == "":
			if c == '\n' {
				return text[i:], true
			}
		case c == want[0]:
			want = want[1:]
		case c != ' ' && c != '\n':
			return "", false
		}
	}
	return "", false
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }
