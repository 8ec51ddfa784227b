package resolve

import (
	"errors"
	"fmt"
	"testing"
)

// Only asks the server that it is told to ask, whatever the file names.
func TestOnly(t *testing.T) {
	r, good := start(t)
	other := serve(t, fmt.Sprintf("127.0.0.2:%d", good.at.Port()))
	other.code.Store(2) // SERVFAIL
	if _, err := r.Only("127.0.0.1").Lookup(t.Context(), "cb1.meet.example", A); err != nil {
		t.Error(err)
	}
	if _, err := r.Only("127.0.0.2").Lookup(t.Context(), "cb1.meet.example", A); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("the failing server: %v", err)
	}
	if servers, err := r.Only("127.0.0.2").Servers(); err != nil || len(servers.Addresses) != 1 {
		t.Errorf("%v, %v", servers, err)
	}
	if good.asked.Load() == 0 || other.asked.Load() == 0 {
		t.Error("one was not asked")
	}
}
