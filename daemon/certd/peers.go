package certd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/store"
)

const (
	askWithin  = 12 * time.Second // the XMPP service gives its members 5 s
	listWithin = 4 * time.Second  // a list is wanted within 5 s
	remember   = 10 * time.Second // how long a word of the members is not asked for again
)

// members asks the cluster, through the XMPP service, what its members think of
// a certificate. One question is under way at a time; who waits for its turn
// holds no lock of the store, and no call that the XMPP service itself makes
// comes here, so the two never wait for each other.
type members struct {
	turn chan struct{} // holds one token while nobody asks
	ask  func(ctx context.Context, pem []byte) ([]bus.Step, error)

	mu      sync.Mutex
	answers store.Answers // guarded by mu
	asked   time.Time     // guarded by mu: when the last answer came
}

func newMembers(ask func(context.Context, []byte) ([]bus.Step, error)) *members {
	m := &members{turn: make(chan struct{}, 1), ask: ask}
	m.turn <- struct{}{}
	return m
}

// known returns what was answered since a moment, and not too long ago.
func (m *members) known(since time.Time) store.Answers {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked.Before(since) || time.Since(m.asked) > remember {
		return nil
	}
	return m.answers
}

// askAgain returns rest, or less when a refusal is to be asked about anew: the
// way out may have been gone by then. When the upload has gone nobody was asked
// of late, and there is nothing to hurry for.
func (m *members) askAgain(rest time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := remember - time.Since(m.asked)
	for _, a := range m.answers {
		if a.Refused != nil && left >= 0 {
			return min(rest, left+time.Millisecond)
		}
	}
	return rest
}

// answer returns the answers to questions, unless ctx ends before its turn. What
// somebody else asked since the call began counts.
func (m *members) answer(ctx context.Context, questions []store.Question) store.Answers {
	began := time.Now()
	select {
	case <-m.turn:
	case <-ctx.Done():
		return nil
	}
	defer func() { m.turn <- struct{}{} }()
	answers := store.Answers{}
	for _, q := range questions {
		a, ok := m.known(began)[q.Chain]
		if !ok {
			steps, err := m.ask(ctx, []byte(q.Chain))
			if errors.Is(err, context.Canceled) {
				return nil
			}
			a = judge(q, steps, err)
		}
		answers[q.Chain] = a
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers, m.asked = answers, time.Now()
	return answers
}

// judge makes one answer of what the members said. Where no XMPP service runs,
// there is nobody to part from; one that runs and gives no answer is waited for.
func judge(q store.Question, steps []bus.Step, err error) store.Answer {
	switch {
	case fault.CodeOf(err) == fault.Unavailable:
		return store.Answer{Note: "the members of the cluster were not asked: the XMPP service does not answer"}
	case err != nil:
		return store.Answer{Members: true, Refused: fault.Mend(fault.Unavailable,
			fmt.Sprintf("the members of the cluster could not be asked whether they accept it (%v); %s, which is in use, is kept", err, q.File),
			"pki list asks again")}
	}
	refuse, silent := votes(steps)
	a := store.Answer{Members: len(steps) > 0}
	if len(refuse) > 0 {
		a.Refused = fault.Mend(fault.Trust, fmt.Sprintf("%s; %s, which is in use, is kept", strings.Join(refuse, "; "), q.File), store.WayOut(q.Key))
	}
	if len(silent) > 0 {
		a.Note = all(silent) + " did not answer and may not accept it: look at the cluster trust there"
	}
	return a
}

// votes are the refusals, of those with the same reason in one sentence, and the
// names of members that could not be asked.
func votes(steps []bus.Step) (refuse, silent []string) {
	by := map[string][]string{} // reason → names
	var reasons []string
	for _, p := range steps {
		switch {
		case !p.OK && by[p.Text] == nil:
			reasons = append(reasons, p.Text)
			fallthrough
		case !p.OK:
			by[p.Text] = append(by[p.Text], p.Name)
		case p.Code != "": // not asked, for a reason of that class
			silent = append(silent, p.Name)
		}
	}
	for _, r := range reasons {
		refuse = append(refuse, all(by[r])+" "+r)
	}
	return refuse, silent
}

// all names several: "cb2 and cb3".
func all(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// change does what may renew a certificate that the members of the cluster see:
// when something has to be asked first, it asks and does it again.
func (s *Service) change(ctx context.Context, known store.Answers, do func(store.Uses) (store.Report, error)) error {
	uses := s.knownUses()
	uses.Answers = known
	report, err := do(uses)
	s.tell(report)
	if len(report.Ask) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if uses.Answers = s.members.answer(ctx, report.Ask); uses.Answers == nil {
		return err
	}
	report, err = do(uses)
	s.tell(report)
	return err
}

// take looks at the exchange folder, and asks the members of the cluster where
// they have a say. recent takes what they said a moment ago for an answer.
func (s *Service) take(ctx context.Context, recent bool) error {
	var known store.Answers
	if recent {
		known = s.members.known(time.Time{})
	}
	return s.change(ctx, known, func(uses store.Uses) (store.Report, error) { return s.store.Scan(ctx, uses) })
}

// takeWithin is take for those who want to see the outcome, if it comes in time.
func (s *Service) takeWithin(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return s.take(ctx, true)
}
