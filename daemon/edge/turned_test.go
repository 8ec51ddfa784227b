package edge

import (
	"fmt"
	"testing"
	"time"

	"quorate.org/daemon/fault"
)

// A stranger can make up names without end; what is kept stays bounded, and
// pushes out nothing that is said of a call bridge.
func TestTurnedIsBounded(t *testing.T) {
	var r turned
	now := time.Now()
	r.note("cb1.meet.example", fault.New(fault.WrongSecret, "wrong"), now)
	for i := range 3 * turnedUnknown {
		r.note(fmt.Sprintf("n%d.meet.example", i), fault.New(fault.UnknownComponent, fmt.Sprintf("n%02d", i)), now.Add(time.Duration(i+1)*time.Second))
	}
	list := r.list(now.Add(time.Minute))
	if len(list) != turnedUnknown+1 || list[turnedUnknown].Code != fault.WrongSecret || list[0].Message != fmt.Sprintf("n%02d", 2*turnedUnknown) {
		t.Errorf("%d are kept, the first is %q", len(list), list[0])
	}
	if list := r.list(now.Add(turnedKept)); len(list) != turnedUnknown {
		t.Errorf("%d are kept when the first is due", len(list))
	}
	if list := r.list(now.Add(time.Hour)); len(list) > 0 || len(r.last) > 0 {
		t.Errorf("after an hour there is still %v", list)
	}
}
