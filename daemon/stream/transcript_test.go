package stream

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/sasl"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// directory is an Accounts of one domain.
type directory struct {
	domain     string
	accounts   map[string]sasl.Credentials
	components map[string]string
}

func (d directory) Domain() string { return d.domain }

func (d directory) Serves(domain string) bool {
	return domain == d.domain || domain == "second.example"
}

func (d directory) Credentials(account jid.JID) (sasl.Credentials, bool) {
	c, ok := d.accounts[account.String()]
	return c, ok
}

func (directory) Decoys() []byte { return nil }

func (d directory) ComponentSecret(name string) (string, bool) {
	s, ok := d.components[name]
	return s, ok
}

// meet is the directory of all tests here; the account's password is "pencil".
var meet = sync.OnceValue(func() directory {
	creds, err := sasl.Derive("pencil", []byte("0123456789abcdef"), 4096)
	if err != nil {
		panic(err)
	}
	return directory{
		domain:     "meet.example",
		accounts:   map[string]sasl.Credentials{"juliet@meet.example": creds, "juliet@second.example": creds},
		components: map[string]string{"cb1": "secret"},
	}
})

// peer is a machine behind a scanner, as edge has them.
type peer struct {
	t    testing.TB
	scan *xmlwire.Scanner
	m    *Machine
}

func newPeer(t testing.TB, direct bool, b sasl.Binding) *peer {
	return newPeerOn(t, direct, Channel{Binding: b})
}

func newPeerOn(t testing.TB, direct bool, c Channel) *peer {
	ids := 0
	return &peer{t, xmlwire.NewScanner(xmlwire.Limits{}), New(Config{
		Direct: direct, Channel: c, Accounts: meet(),
		NewID: func() string { ids++; return fmt.Sprint("id", ids) },
	})}
}

// feed gives the peer one event's bytes and returns what it answers.
func (p *peer) feed(in string) (string, Action) {
	p.t.Helper()
	ev, n, err := p.scan.Next([]byte(in))
	if err != nil {
		var v *Violation
		if !errors.As(err, &v) {
			p.t.Fatalf("scanner: %v", err)
		}
		return answer(p.m.Fail(nil, v))
	}
	if ev.Kind == xmlwire.NeedMore || n != len(in) {
		p.t.Fatalf("%q is not one event", in)
	}
	switch ev.Kind {
	case xmlwire.StreamOpen:
		return answer(p.m.Header(nil, ev.Stream))
	case xmlwire.StreamClose:
		return answer(p.m.End(nil))
	}
	if p.m.State() != Bound {
		return p.obey(p.m.Element(nil, ev))
	}
	from, v := p.m.Judge(ev.Header)
	if v != nil {
		return answer(p.m.Fail(nil, v))
	}
	return string(xmlwire.AppendStamped(nil, ev.Raw, ev.Header, from, "", p.m.Lang())), Action{}
}

// obey does what the machine asks of its caller.
func (p *peer) obey(out []byte, act Action) (string, Action) {
	switch act.Do {
	case StartTLS:
		p.scan.Restart()
		p.m.Secured(Channel{Binding: sasl.Binding{Exporter: []byte("ekm")}})
	case Restart:
		p.scan.Restart()
	case Resumption:
		if act.Resume.Token != "known" {
			return p.obey(p.m.Unresumed(out, &Unresumed{Condition: stanza.ItemNotFound, H: 5, Known: act.Resume.Token == "over"}))
		}
		if act.Resume.H > 9 {
			return p.obey(p.m.Unresumed(out, TooHigh(act.Resume.H, 9)))
		}
		out = p.m.Resumed(out, jid.MustParse("juliet@meet.example/before"), 7)
	case Bind:
		if act.Wish.Enable != nil {
			p.m.Enabled(stanza.AppendEnabled(nil, "token", time.Minute))
		}
		switch {
		case act.Want.Resource() == "taken":
			return answer(p.m.Refused(out, &Refusal{Condition: stanza.Conflict}))
		case act.Want.Resource() == "leaderless":
			return answer(p.m.Refused(out, errors.New("no leader")))
		}
		out = p.m.Granted(out, act.Want)
	}
	return string(out), act
}

func answer(out []byte, act Action) (string, Action) { return string(out), act }

// TestTranscripts plays testdata/*.txt. A line is "C: " and what the peer sends
// (one event), "S: " and the exact answer, "A: " and what the action says, or a
// comment. The first line that is no comment is "starttls" or "direct".
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(string(b), "\n\n") {
			t.Run(fmt.Sprint(strings.TrimSuffix(filepath.Base(f), ".txt"), "/", i), func(t *testing.T) { play(t, part) })
		}
	}
}

func play(t *testing.T, script string) {
	var p *peer
	var out string
	var act Action
	lines := bufio.NewScanner(strings.NewReader(script))
	for lines.Scan() {
		line := lines.Text()
		key, text, _ := strings.Cut(line, ": ")
		switch {
		case line == "" || line[0] == '#':
		case line == "starttls":
			p = newPeer(t, false, sasl.Binding{})
		case line == "direct":
			p = newPeer(t, true, sasl.Binding{Exporter: []byte("ekm")})
		case key == "C":
			out, act = p.feed(text)
		case key == "S":
			if out != text {
				t.Fatalf("got  %s\nwant %s", out, text)
			}
		case key == "A":
			if got := describe(act); got != text {
				t.Fatalf("%s: action %q, want %q", out, got, text)
			}
		default:
			t.Fatalf("no such line: %q", line)
		}
	}
}

// describe is an action in the words of a transcript.
func describe(a Action) string {
	words := []string{[]string{"continue", "starttls", "restart", "admit", "bind", "resume", "close"}[a.Do]}
	if a.Failed {
		words = append(words, "failed")
	}
	var f *fault.Error
	var s *sasl.Failure
	var v *Violation
	switch {
	case errors.As(a.Err, &f):
		words = append(words, string(f.Code))
	case errors.As(a.Err, &s):
		words = append(words, s.Condition)
	case errors.As(a.Err, &v):
		words = append(words, v.Condition)
	case a.Err != nil:
		words = append(words, a.Err.Error())
	}
	return strings.Join(words, " ")
}

// wellFormed fails unless out can follow a stream header that was answered.
func wellFormed(t interface{ Fatalf(string, ...any) }, out []byte) {
	s := xmlwire.NewScanner(xmlwire.Limits{})
	if !bytes.HasPrefix(out, []byte("<?xml")) {
		out = append([]byte("<stream:stream xmlns='jabber:client' xmlns:stream='"+xmlwire.NSStream+"'>"), out...)
	}
	for len(out) > 0 {
		ev, n, err := s.Next(out)
		if err != nil || ev.Kind == xmlwire.NeedMore && n < len(out) {
			t.Fatalf("what the machine wrote does not scan: %v in %s", err, out)
		}
		out = out[n:]
	}
}
