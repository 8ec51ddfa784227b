package screen

import (
	"context"
	"io"
	"time"

	"quorate.org/daemon/password"
)

// alone is how long a password may take to type.
const alone = 2 * time.Minute

// Console is the screen on one terminal, whose keys come one by one and are not
// echoed.
type Console struct {
	In   io.Reader
	Out  io.Writer
	Look func(context.Context) Facts                      // called by one goroutine
	Set  func(ctx context.Context, password string) error // gives the administrator a password
	Keys func(ctx context.Context, layout string) error   // sets the layout of the keyboard
	Wait time.Duration                                    // between two looks
}

// Run shows the screen until the person wants to sign in, which is no error, or
// the terminal is gone, or ctx ends.
func (c *Console) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &running{Console: c, paint: painter{out: c.Out}, keys: make(chan byte), again: make(chan struct{}, 1)}
	go r.read(ctx) // ends with the terminal
	looks := make(chan Facts)
	ended := make(chan struct{})
	go func() { defer close(ended); r.look(ctx, looks) }()
	defer func() { cancel(); <-ended }()
	return r.loop(ctx, looks)
}

// running is a Console at work.
type running struct {
	*Console
	paint painter
	keys  chan byte
	again chan struct{} // look at once
	facts Facts
	seen  time.Time // when facts were
	ask   question
	note  string // what became of the last answer
}

// read passes keys on; it closes keys when the terminal is gone.
func (r *running) read(ctx context.Context) {
	defer close(r.keys)
	b := make([]byte, 1)
	for {
		n, err := r.In.Read(b)
		if n == 1 {
			select {
			case r.keys <- b[0]:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// share bounds what looking costs: between two looks lies so many times what the
// first one took. An emulated or busy machine is asked less often; measured, two
// terminals that looked every 3 s left three emulated nodes no time to elect.
const share = 50

// look hands on the facts as they are, again and again.
func (r *running) look(ctx context.Context, looks chan<- Facts) {
	for {
		began := time.Now()
		facts := r.Look(ctx)
		rest := time.NewTimer(max(r.Wait, share*time.Since(began)))
		select {
		case looks <- facts:
		case <-ctx.Done():
			return
		}
		select {
		case <-rest.C:
		case <-r.again:
		case <-ctx.Done():
			return
		}
	}
}

func (r *running) loop(ctx context.Context, looks <-chan Facts) error {
	idle := time.NewTimer(alone)
	defer idle.Stop()
	minute := time.NewTimer(time.Minute)
	defer minute.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r.facts = <-looks:
			r.seen = time.Now()
		case <-minute.C:
		case b, ok := <-r.keys:
			if !ok {
				return io.ErrUnexpectedEOF
			}
			idle.Reset(alone)
			if r.press(ctx, b) {
				return nil
			}
		case <-idle.C:
			r.ask = nil
		}
		if err := r.draw(); err != nil {
			return err
		}
		now := r.now().Now
		minute.Reset(now.Truncate(time.Minute).Add(time.Minute).Sub(now))
	}
}

// now returns the facts with a clock that goes on between two looks, which may be
// minutes apart.
func (r *running) now() Facts {
	facts := r.facts
	facts.Now = facts.Now.Add(time.Since(r.seen))
	return facts
}

func (r *running) draw() error {
	facts := r.now()
	switch {
	case r.facts.Now.IsZero(): // nothing is known yet
		return nil
	case r.ask != nil:
		return r.paint.paint(Lines(facts, r.ask.lines()...))
	case r.note != "":
		return r.paint.paint(Lines(facts, append(row("", r.note), "", " "+leave(facts))...))
	}
	return r.paint.paint(Lines(facts))
}

// press takes a key and reports whether the person wants to sign in.
func (r *running) press(ctx context.Context, b byte) (signIn bool) {
	if r.ask != nil {
		r.typed(ctx, b)
		return false
	}
	r.paint.forget()
	r.note = ""
	if b == 'k' || b == 'K' {
		r.ask = &layout{}
		return false
	}
	if b != keyReturn && b != keyFeed {
		r.lookAgain()
		return false
	}
	if r.facts.Want == password.None {
		return true
	}
	r.ask = &dialog{}
	return false
}

func (r *running) typed(ctx context.Context, b byte) {
	asked := r.ask
	switch asked.key(b) {
	case cancelled:
		r.ask = nil
	case chosen:
		r.ask = nil
		r.note = asked.done(ctx, r)
		r.lookAgain()
	}
}

func (r *running) lookAgain() {
	select {
	case r.again <- struct{}{}:
	default: // one is waiting already
	}
}
