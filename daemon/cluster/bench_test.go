package cluster_test

import (
	"testing"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/jid"
)

// counter is the stream of a session that counts what it gets.
type counter struct{ left chan struct{} }

func (c counter) Enqueue([]byte) bool { c.left <- struct{}{}; return true }
func (c counter) Room(int, int) bool  { return true }
func (c counter) Drain() [][]byte     { return nil }
func (c counter) Shut(string, string) {}

// BenchmarkRouted is the path of a stanza between two followers without the
// streams at its ends: window, frame, mesh link, leader, mesh link, answer, all
// three nodes in this process.
func BenchmarkRouted(b *testing.B) {
	all := form(b, 3)
	_, followers := leaderOf(b, all)
	from, _ := bind(b, followers[0], "cb1.meet.example")
	const window = 512
	c := counter{make(chan struct{}, window)}
	if _, err := followers[1].forward.Bind(b.Context(), edge.Component, jid.MustParse("cb2.meet.example"), edge.Wish{}, c); err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 250)
	for i := range body {
		body[i] = 'x'
	}
	h, raw := scanned(b, "<message from='cb1.meet.example' to='x@cb2.meet.example' id='1'><body>"+string(body)+"</body></message>")
	room := make(chan struct{}, window)
	go func() {
		for range c.left {
			<-room
		}
	}()
	for b.Loop() {
		room <- struct{}{}
		if err := from.Send(b.Context(), h, raw); err != nil {
			b.Fatal(err)
		}
	}
}
