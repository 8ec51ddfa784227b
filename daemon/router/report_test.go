package router_test

import (
	"fmt"
	"testing"

	"quorate.org/daemon/mesh"
	"quorate.org/daemon/router"
)

// A report of sessions fits one message between nodes, by its bounds …
const _ = uint(mesh.MaxPayload - router.MaxReport)

// outs takes what an edge sends.
type outs struct{ last router.Msg }

func (o *outs) Send(_ router.NodeID, m router.Msg) { o.last = m }

// … and with what a leader had that had just taken over the sessions of four full
// nodes: the largest are left out.
func TestReportFitsOneMessage(t *testing.T) {
	out := &outs{}
	e := router.NewEdge(router.EdgeConfig{Inc: router.Inc{1}, Out: out, Now: func() int64 { return 5 }})
	ep := router.Epoch{Term: 1}
	e.Receive("a", router.Msg{Type: router.MsgOpen, Epoch: ep})
	e.Receive("a", router.Msg{Type: router.MsgGo, Epoch: ep, Go: &router.Go{}})
	h := &router.Held{Node: "a", Inc: router.Inc{2}}
	e.Receive("a", router.Msg{Type: router.MsgMirror, Epoch: ep, N: 1, Mirror: &router.Mirror{Kind: router.MirrorReset, Held: h}})
	n, small := uint64(1), 0
	for node := range 5 {
		for i := range 12 {
			size := 1000 // of 1,000 stanzas
			if i == 0 {
				size = 10
			}
			c := router.Claim{SID: router.SID{Inc: router.Inc{byte(node + 2)}, N: uint64(i + 1)}, JID: fmt.Sprintf("u%d@d/%d", i, node), Token: fmt.Sprint(node, i), Record: &router.Record{}}
			n++
			e.Receive("a", router.Msg{Type: router.MsgMirror, Epoch: ep, N: n, Mirror: &router.Mirror{Kind: router.MirrorBegin, Claim: &c}})
			for q := range uint64(1000) {
				n++
				e.Receive("a", router.Msg{Type: router.MsgMirror, Epoch: ep, N: n, Mirror: &router.Mirror{Kind: router.MirrorPut, SID: c.SID,
					Frame: &router.Frame{ID: router.FrameID{Inc: router.Inc{9}, Seq: n}, Raw: make([]byte, size+int(q%2))}}})
			}
		}
	}
	e.Receive("b", router.Msg{Type: router.MsgOpen, Epoch: router.Epoch{Term: 2}})
	for _, c := range out.last.Sync.Held.Claims {
		if c.SID.N == 1 {
			small++
		}
	}
	size := len(router.AppendMsg(nil, out.last))
	if size > router.MaxReport || size < router.MaxQueues || small != 5 {
		t.Errorf("the report has %d bytes and %d small sessions", size, small)
	}
}
