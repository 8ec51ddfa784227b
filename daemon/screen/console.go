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
	ask   *dialog
	note  string // what became of the last password
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
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r.facts = <-looks:
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
	}
}

func (r *running) draw() error {
	switch {
	case r.facts.Now.IsZero(): // nothing is known yet
		return nil
	case r.ask != nil:
		return r.paint.paint(Lines(r.facts, r.ask.lines()...))
	case r.note != "":
		return r.paint.paint(Lines(r.facts, append(row("", r.note), "", " "+leave(r.facts))...))
	}
	return r.paint.paint(Lines(r.facts))
}

// press takes a key and reports whether the person wants to sign in.
func (r *running) press(ctx context.Context, b byte) (signIn bool) {
	if r.ask != nil {
		r.typed(ctx, b)
		return false
	}
	r.paint.forget()
	r.note = ""
	if b != keyReturn && b != keyFeed {
		return false
	}
	if r.facts.Want == password.None {
		return true
	}
	r.ask = &dialog{}
	return false
}

func (r *running) typed(ctx context.Context, b byte) {
	switch r.ask.key(b) {
	case cancelled:
		r.ask = nil
	case chosen:
		err := r.Set(ctx, r.ask.first)
		r.ask = nil
		if r.note = "The password of admin is set; SSH and Web Admin take it."; err != nil {
			r.note = err.Error()
		} else {
			r.facts.Want = password.None
		}
		select {
		case r.again <- struct{}{}:
		default: // one is waiting already
		}
	}
}
