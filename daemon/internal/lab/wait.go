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
	for pause := 30 * time.Millisecond; ; pause = min(pause*3/2, 500*time.Millisecond) {
		err := cond()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting %v for %s: %w", limit, what, err)
		case <-time.After(pause):
		}
	}
}
