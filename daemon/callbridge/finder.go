package callbridge

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/resolve"
)

const (
	// hurry bounds a question whose last answer is still at hand: while name
	// servers are silent, a lost link is made again by what is known (RFC 8767).
	hurry = 700 * time.Millisecond
	// lull is how long they are not asked again after that.
	lull = 5 * time.Second
)

// finder knows the servers of the domain and their addresses, each for as long
// as its TTL says.
type finder struct {
	resolver *resolve.Resolver
	now      func() time.Time
	silent   time.Time // until then the name servers are taken for silent
	servers  known[[]resolve.Server]
	hosts    map[string]known[[]netip.Addr]
}

// known is an answer and how long it holds.
type known[T any] struct {
	value T
	until time.Time
	there bool
}

// recall returns what is known, or asks. An answer past its time stands in while
// nobody answers.
func recall[T any](ctx context.Context, f *finder, k known[T], ask func(context.Context) (T, time.Duration, error)) (known[T], error) {
	now := f.now()
	if k.there && (now.Before(k.until) || now.Before(f.silent)) {
		return k, nil
	}
	if k.there {
		hurried, cancel := context.WithTimeout(ctx, hurry)
		defer cancel()
		ctx = hurried
	}
	value, ttl, err := ask(ctx)
	switch {
	case err == nil:
		return known[T]{value, now.Add(ttl), true}, nil
	case k.there && errors.Is(err, resolve.ErrNoAnswer):
		// A refusal costs no time: a name server that restarts is asked again at the next try.
		if limit, _ := ctx.Deadline(); !time.Now().Before(limit) {
			f.silent = f.now().Add(lull)
		}
		return k, nil
	}
	return known[T]{}, err
}

// find returns the servers of s: the pinned one, or those of the SRV records.
func (f *finder) find(ctx context.Context, s *Setup) ([]resolve.Server, error) {
	if s.Server != "" {
		return []resolve.Server{pinned(s.Server)}, nil
	}
	var err error
	f.servers, err = recall(ctx, f, f.servers, func(ctx context.Context) ([]resolve.Server, time.Duration, error) {
		list, err := f.resolver.SRV(ctx, componentService+s.Domain)
		return list, shortest(list), err
	})
	f.learn(ctx, f.servers.value)
	return f.servers.value, err
}

// learn asks for the addresses that were never asked for: a node that dies may
// take the name server with it. Those of hosts that are no servers any more are
// forgotten.
func (f *finder) learn(ctx context.Context, servers []resolve.Server) {
	ctx, cancel := context.WithTimeout(ctx, hurry)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	learned := map[string]known[[]netip.Addr]{}
	maps.DeleteFunc(f.hosts, func(host string, _ known[[]netip.Addr]) bool {
		return !slices.ContainsFunc(servers, func(s resolve.Server) bool { return s.Target == host })
	})
	for _, s := range servers {
		if f.hosts[s.Target].there {
			continue
		}
		all.Go(func() {
			if a, err := f.resolver.Addresses(ctx, s.Target); err == nil {
				mu.Lock()
				defer mu.Unlock()
				learned[s.Target] = known[[]netip.Addr]{a.List, f.now().Add(a.TTL), true}
			}
		})
	}
	all.Wait()
	for host, k := range learned {
		f.remember(host, k)
	}
}

func (f *finder) remember(host string, k known[[]netip.Addr]) {
	if f.hosts == nil {
		f.hosts = map[string]known[[]netip.Addr]{}
	}
	f.hosts[host] = k
}

// doubt has everything asked for anew. What fails may be mended in the zone, and
// who mends it can not wait for the TTL of what was wrong.
func (f *finder) doubt() {
	f.servers.until = time.Time{}
	for host, k := range f.hosts {
		k.until = time.Time{}
		f.hosts[host] = k
	}
}

func shortest(list []resolve.Server) time.Duration {
	var ttl time.Duration
	for i, s := range list {
		if i == 0 || s.TTL < ttl {
			ttl = s.TTL
		}
	}
	return ttl
}

// addresses returns those of a host.
func (f *finder) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	k, err := recall(ctx, f, f.hosts[host], func(ctx context.Context) ([]netip.Addr, time.Duration, error) {
		a, err := f.resolver.Addresses(ctx, host)
		return a.List, a.TTL, err
	})
	f.remember(host, k)
	return k.value, err
}

// noServers says why there is nothing to try.
func noServers(err error, record string) *fault.Error {
	var words *fault.Error
	switch {
	case errors.Is(err, resolve.ErrNoName), errors.Is(err, resolve.ErrNoRecord):
		return fault.Mend(fault.DNS, "there is no SRV record "+record,
			"add one for each node to the zone, as dns check prints them; or name a server: callbridge server <host>")
	case errors.As(err, &words):
		return words
	}
	return fault.New(fault.DNS, err.Error())
}

// noAddress says why a server has no address.
func noAddress(err error, t target) *fault.Error {
	var words *fault.Error
	missing := errors.Is(err, resolve.ErrNoName) || errors.Is(err, resolve.ErrNoRecord)
	switch {
	case missing && t.record != "":
		return fault.Mend(fault.DNS, t.host+", which the SRV record "+t.record+" names, has no address",
			"add an A or AAAA record for "+t.host+" to the zone, or mend the SRV record; see dns check")
	case missing:
		return fault.Mend(fault.DNS, "the server "+t.host+" has no address",
			"mend the name: callbridge server <host>; or add an A or AAAA record for it to the zone")
	case errors.As(err, &words):
		return words
	}
	return fault.New(fault.DNS, err.Error())
}
