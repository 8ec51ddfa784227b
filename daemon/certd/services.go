package certd

import (
	"context"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// Services implements org.quorate.Certificates1.
func (s *Service) Services(ctx context.Context) ([]bus.ServiceCheck, error) { return nil, nil }

// Unlock implements org.quorate.Certificates1.
func (s *Service) Unlock(ctx context.Context, _ bus.Caller, file, passphrase string) error {
	return fault.New(fault.Unavailable, "not there yet")
}

// Upload implements org.quorate.Certificates1.
func (s *Service) Upload(ctx context.Context, _ bus.Caller, name string, content []byte) (bus.Certificate, error) {
	return bus.Certificate{}, fault.New(fault.Unavailable, "not there yet")
}
