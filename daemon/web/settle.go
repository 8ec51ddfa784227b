package web

import (
	"context"
	"time"
)

// settleTime is how long a form of the link is waited for at most.
const settleTime = 2 * time.Second

// settle waits until the Call Bridge has tried what was saved at began, so that
// the page shows what became of it and not the link before. A link that takes
// longer is shown as connecting.
func (v *visit) settle(ctx context.Context, began time.Time) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	changed, err := v.session.bus.Bridge().Watch(ctx)
	if err != nil {
		return // the page tells that the service does not answer
	}
	for {
		s, err := v.session.bus.Bridge().Status(ctx)
		if err != nil {
			return
		}
		since, err := time.Parse(time.RFC3339, s.Since) // whole seconds
		if err != nil || s.State != "connecting" && !since.Before(began.Truncate(time.Second)) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}
