package lab

import (
	"context"
	"fmt"
	"time"
)

// Wait calls cond until it returns nil, at most for limit. The error it
// returns when time is up is cond's last one, in words.
func Wait(ctx context.Context, limit time.Duration, what string, cond func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := cond()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting %v for %s: %w", limit, what, err)
		case <-tick.C:
		}
	}
}
