package callbridge

import (
	"slices"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/resolve"
)

// The back-off between rounds: drawn from nothing to a ceiling that doubles
// with every round ("full jitter"), so that the bridges of a cluster do not
// come back all at once.
const (
	firstCeiling = 200 * time.Millisecond
	lastCeiling  = 30 * time.Second
)

// brief is the life below which a link counts as a failed try: one that is
// lost at once again and again must not be made again without a pause.
const brief = 10 * time.Second

// act is what to do next.
type act uint8

const (
	find act = iota // ask for the servers
	try             // step.server
	wait            // step.pause, then go on
)

type step struct {
	do     act
	server resolve.Server
	pause  time.Duration
}

// attempt is a server that was tried in vain.
type attempt struct {
	server resolve.Server
	why    *fault.Error
}

// plan decides which server is tried next and when. It is pure: it neither
// looks at a clock nor touches the network.
type plan struct {
	draw func(n int64) int64 // from 0 to n-1

	phase    phase
	queue    []resolve.Server // of this round, not tried yet
	attempts []attempt        // of this round
	failures int              // rounds in a row without a link
	lost     string           // the server whose link broke last: the next round tries it last
	flaps    int              // brief links in a row
	long     bool             // another bridge has our name: no hurry
}

type phase uint8

const (
	looking phase = iota
	trying
	pausing
)

// next returns what to do. After wait the plan is to be asked again.
func (p *plan) next() step {
	switch {
	case p.phase == looking:
		return step{do: find}
	case p.phase == trying && len(p.queue) > 0:
		return step{do: try, server: p.queue[0]}
	}
	s := step{do: wait, pause: p.pause()}
	p.phase = looking
	return s
}

// found begins a round with the servers of the domain.
func (p *plan) found(servers []resolve.Server) {
	p.queue = resolve.Order(servers, func(n int) int { return int(p.draw(int64(n))) })
	p.attempts, p.phase = nil, trying
	slices.SortStableFunc(p.queue, func(a, b resolve.Server) int { return p.rank(a) - p.rank(b) })
	p.lost = ""
}

// rank puts the server that was just lost behind all others, whatever its
// priority: it is the one known not to answer.
func (p *plan) rank(s resolve.Server) int {
	if p.lost != "" && address(s) == p.lost {
		return 1
	}
	return 0
}

func address(s resolve.Server) string { return target{host: s.Target, port: s.Port}.String() }

// notFound ends a round that had no servers.
func (p *plan) notFound(why *fault.Error) {
	p.attempts, p.phase = []attempt{{why: why}}, pausing
}

// failed takes the server that was tried out of the round.
func (p *plan) failed(why *fault.Error) {
	p.attempts = append(p.attempts, attempt{p.queue[0], why})
	p.queue = p.queue[1:]
}

// ended takes note that a link which lived so long is over: the next round
// begins at once, unless links keep breaking or another has our name.
func (p *plan) ended(s resolve.Server, lived time.Duration, conflict bool) {
	p.queue, p.attempts, p.failures, p.lost = nil, nil, 0, address(s)
	p.phase, p.long = looking, conflict
	if lived >= brief {
		p.flaps = 0
	}
	if p.flaps > 0 || conflict {
		p.failures, p.phase = p.flaps, pausing
	}
	p.flaps++
}

// pause draws the time until the next round.
func (p *plan) pause() time.Duration {
	ceiling := lastCeiling
	if p.failures < 8 { // 0.2 s doubled eight times is more than 30 s
		ceiling = min(firstCeiling<<p.failures, lastCeiling)
	}
	p.failures++
	if p.long { // two bridges of one name would push each other out all day
		p.long = false
		return lastCeiling/2 + time.Duration(p.draw(int64(lastCeiling/2)))
	}
	return time.Duration(p.draw(int64(ceiling) + 1))
}

// telling is the failure that says most about the round: that of the server that
// let us come farthest. The same failures give the same answer in any order.
func (p *plan) telling() *fault.Error {
	best := p.attempts[0]
	for _, a := range p.attempts[1:] {
		x, y := depth(a.why.Code), depth(best.why.Code)
		if x > y || x == y && address(a.server) < address(best.server) {
			best = a
		}
	}
	return best.why
}

// reached lists failures by how far a try came.
var reached = []fault.Code{
	fault.DNS, fault.TCP, fault.TLS, fault.Trust, fault.CertificateName, fault.Unavailable,
	fault.Timeout, fault.NoQuorum, fault.Exists, fault.UnknownComponent, fault.WrongSecret,
}

func depth(c fault.Code) int { return slices.Index(reached, c) }
