package bus

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
)

func TestErrorsCrossWhole(t *testing.T) {
	tests := []struct {
		name string
		in   error
		want *fault.Error
	}{
		{"fault", fault.Mend(fault.NoQuorum, "no quorum: 1 of 3 voters reachable, 2 needed", "start the others"), fault.Mend(fault.NoQuorum, "no quorum: 1 of 3 voters reachable, 2 needed", "start the others")},
		{"wrapped fault", fmt.Errorf("joining: %w", fault.New(fault.WrongDomain, "other domain")), fault.New(fault.WrongDomain, "other domain")},
		{"deadline", context.DeadlineExceeded, fault.New(fault.Timeout, "context deadline exceeded")},
		{"any other", errors.New("disk on fire"), fault.New(fault.Internal, "disk on fire")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := decodeError(context.Background(), xmppService, *encodeError(tt.in))
			if diff := cmp.Diff(error(tt.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBusErrorsInWords(t *testing.T) {
	const prefix = "org.freedesktop.DBus.Error."
	tests := []struct {
		name string
		want *fault.Error
	}{
		{prefix + "ServiceUnknown", fault.Mend(fault.Unavailable, "the XMPP service is not running", "systemctl start quorate-xmpp")},
		{prefix + "NoReply", fault.Mend(fault.Unavailable, "the XMPP service stopped before it answered", "journalctl -u quorate-xmpp")},
		{prefix + "UnknownMethod", fault.Mend(fault.Version, "the XMPP service is of another version: text", "systemctl restart quorate-xmpp")},
		{prefix + "AccessDenied", fault.Mend(fault.NotPermitted, "not permitted by the XMPP service: text", "sign in as an administrator")},
		{"org.freedesktop.systemd1.NoSuchUnit", fault.New(fault.NotFound, "text")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := decodeError(context.Background(), xmppService, dbus.Error{Name: tt.name, Body: []any{"text"}})
			if diff := cmp.Diff(error(tt.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
