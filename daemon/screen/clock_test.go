package screen

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// glass is what a screen shows that is written and looked at in turn.
type glass struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (g *glass) Write(p []byte) (int, error) {
	g.lock.Lock()
	defer g.lock.Unlock()
	return g.text.Write(p)
}

// take returns what was written since the last time.
func (g *glass) take() string {
	g.lock.Lock()
	defer g.lock.Unlock()
	defer g.text.Reset()
	return g.text.String()
}

// The clock goes on between two looks, however long a busy machine takes for one.
func TestClockGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, keys := io.Pipe()
		var screen glass
		start := time.Date(2026, 11, 21, 1, 40, 33, 0, time.UTC)
		c := &Console{In: in, Out: &screen, Wait: time.Hour, Look: func(context.Context) Facts { return Facts{Now: start} }}
		done := make(chan error, 1)
		go func() { done <- c.Run(t.Context()) }()
		for _, step := range []struct {
			wait time.Duration
			want string
		}{{0, "2026-11-21 01:40 UTC"}, {26 * time.Second, ""}, {time.Second, "01:41 UTC"}, {time.Minute, "01:42 UTC"}} {
			time.Sleep(step.wait)
			synctest.Wait()
			if got := screen.take(); !strings.Contains(got, step.want) || (step.want == "") != (got == "") {
				t.Errorf("after %v more it shows %q, want %q", step.wait, got, step.want)
			}
		}
		keys.Close()
		<-done
	})
}
