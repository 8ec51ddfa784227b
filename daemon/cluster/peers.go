package cluster

import (
	"bytes"
	"time"

	"quorate.org/daemon/mesh"
)

// suspectMark begins a link payload that is this package's and not the
// router's, whose messages begin with a small type.
const suspectMark = 0xF0

// peers is Cluster as the mesh's handler.
type peers Cluster

func (p *peers) LinkUp(id string) {
	c := (*Cluster)(p)
	c.mu.Lock()
	delete(c.dead, id)
	c.mu.Unlock()
	c.traffic.LinkUp(id)
	c.poke()
}

func (p *peers) LinkDown(id string, dead bool) {
	c := (*Cluster)(p)
	c.mu.Lock()
	if dead {
		c.dead[id] = true
	} else {
		c.lost[id] = time.Now()
	}
	c.mu.Unlock()
	if dead {
		c.suspect(id)
	}
	c.traffic.LinkDown(id, dead)
	c.poke()
}

func (p *peers) Receive(id string, payloads [][]byte) {
	c := (*Cluster)(p)
	rest := payloads[:0] // the slice is this handler's
	for _, b := range payloads {
		if bytes.HasPrefix(b, []byte{suspectMark}) {
			c.heard(id, b[1:])
		} else {
			rest = append(rest, b)
		}
	}
	if len(rest) > 0 {
		c.traffic.Receive(id, rest)
	}
}

func (p *peers) Call(from mesh.Caller, method string, body []byte) ([]byte, error) {
	return (*Cluster)(p).answer(from, method, body)
}
