package certd

import (
	"context"
	"fmt"
	"os"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// askAgain bounds the question whether the settings just changed.
const askAgain = 2 * time.Second

// OpenKey returns a private key for reading. A service opens the key that its
// own settings name and no other, so that whoever takes Web Admin over does not
// hold the cluster's key; root opens any.
func (s *Service) OpenKey(ctx context.Context, who bus.Caller, file string) (*os.File, error) {
	if who.Role != bus.Root && !s.mayOpen(ctx, who.User, file) {
		return nil, fault.Mend(fault.NotPermitted, fmt.Sprintf("no setting gives the private key %s to %s", file, who.User),
			"xmpp certs and webadmin certs say which key a service uses")
	}
	return s.store.OpenKey(file)
}

// mayOpen looks at the settings as they were last seen, and asks once more
// before it refuses: the service may have heard of a change first.
func (s *Service) mayOpen(ctx context.Context, user, file string) bool {
	if file == "" {
		return false
	}
	if mayOpen(user, file, s.knownSettings()) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, askAgain)
	defer cancel()
	values, err := s.askSettings(ctx)
	return err == nil && mayOpen(user, file, values)
}
