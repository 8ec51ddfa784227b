package certd

import (
	"context"

	"quorate.org/daemon/bus"
)

// Services implements org.quorate.Certificates1.
func (s *Service) Services(ctx context.Context) ([]bus.ServiceCheck, error) { return nil, nil }
