package node

import (
	"testing"

	"quorate.org/daemon/im"
	"quorate.org/daemon/settings"
)

// TestLimitsOfSettings: what is set by default is what a command means that carries
// no limits.
func TestLimitsOfSettings(t *testing.T) {
	v, problems := settings.Validate(nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	n := &Node{}
	n.values.Store(&v)
	if got := n.accountLimits(); got != im.DefaultLimits {
		t.Errorf("%+v, want %+v", got, im.DefaultLimits)
	}
}
