package flow

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// wire is a server of one line: it turns what the sender wrote into what the
// receiver and the sender get.
func wire(t *testing.T, answer func(n int, msg string) (toReceiver, toSender []string)) (*Peer, *Peer) {
	t.Helper()
	var ends [4]net.Conn
	ends[0], ends[1] = net.Pipe()
	ends[2], ends[3] = net.Pipe()
	from, to := newPeer(ends[0]), newPeer(ends[2])
	from.JID, to.JID = "a.example", "b.example"
	from.listen()
	to.listen()
	stopped := make(chan struct{})
	t.Cleanup(func() {
		for _, e := range ends {
			_ = e.Close()
		}
		<-stopped
	})
	go func() {
		defer close(stopped)
		server := newPeer(ends[1])
		for i := 1; ; i++ {
			elem, err := server.next()
			if err != nil {
				return
			}
			received, bounced := answer(i, string(elem))
			for _, s := range received {
				_, _ = fmt.Fprint(ends[3], s) // a closed pipe ends the test
			}
			for _, s := range bounced {
				_, _ = fmt.Fprint(ends[1], s)
			}
		}
	}()
	return from, to
}

// The oracle sees each kind of fault, and none where there is none.
func TestFlowJudges(t *testing.T) {
	var held string
	tests := []struct {
		name   string
		answer func(n int, msg string) (toReceiver, toSender []string)
		broken func(Result) bool
	}{
		{"all arrive", func(_ int, m string) ([]string, []string) { return []string{m}, nil },
			func(r Result) bool { return r.Err(false) != nil || r.Received != r.Sent }},
		{"one lost", func(n int, m string) ([]string, []string) {
			if n == 3 {
				return nil, nil
			}
			return []string{m}, nil
		}, func(r Result) bool { return r.Err(true) == nil || r.Lost != 1 }},
		{"one doubled", func(n int, m string) ([]string, []string) {
			if n == 3 {
				return []string{m, m}, nil
			}
			return []string{m}, nil
		}, func(r Result) bool { return r.Err(true) == nil || r.Doubled != 1 }},
		{"two swapped", func(n int, m string) ([]string, []string) {
			switch n {
			case 3:
				held = m
				return nil, nil
			case 4:
				return []string{m, held}, nil
			}
			return []string{m}, nil
		}, func(r Result) bool { return r.Err(true) == nil || r.Reordered != 1 }},
		{"one bounced", func(n int, m string) ([]string, []string) {
			if n == 3 {
				return nil, []string{fmt.Sprintf("<message type='error' id='%s'/>", attr([]byte(m), "id"))}
			}
			return []string{m}, nil
		}, func(r Result) bool { return r.Err(true) != nil || r.Err(false) == nil || r.Bounced != 1 }},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			from, to := wire(t, tc.answer)
			f := newFlow(from, to, 0)
			close(f.stopped)
			for range 6 {
				f.send(1)
			}
			if r := f.Stop(300 * time.Millisecond); tc.broken(r) {
				t.Errorf("the oracle says %v", r)
			}
		})
	}
}
