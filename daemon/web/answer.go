package web

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"quorate.org/daemon/fault"
)

// patience bounds each question a page asks; a service that takes longer is
// shown as one that does not answer.
const patience = 2 * time.Second

// answer is what a service said, or why it said nothing: a page shows either.
type answer[T any] struct {
	Value T
	Fault *fault.Error // nil when Value is there
}

// ask puts one question in a goroutine of wg and stores how it went.
func ask[T any](ctx context.Context, wg *sync.WaitGroup, a *answer[T], question func(context.Context) (T, error)) {
	wg.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		var err error
		if a.Value, err = question(ctx); err != nil {
			a.Fault = asFault(err)
		}
	})
}

// asFault gives every failure words.
func asFault(err error) *fault.Error {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Mend(fault.Timeout, "a service did not answer in time", "health")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fault.Mend(fault.Timeout, "the form did not arrive in time", "send it again")
	case errors.Is(err, context.Canceled):
		return fault.New(fault.Unavailable, "cancelled; what the service has begun it may still finish")
	}
	return fault.New(fault.Internal, err.Error())
}
