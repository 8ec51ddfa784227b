package resolve

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// The types of records that are looked up.
const (
	A    = "A"
	AAAA = "AAAA"
	SRV  = "SRV"

	CNAME = "CNAME"
)

var types = map[string]uint16{A: dns.TypeA, AAAA: dns.TypeAAAA, SRV: dns.TypeSRV, CNAME: dns.TypeCNAME}

// Record is one line of an answer.
type Record struct {
	Name  string `json:"name"`
	TTL   uint32 `json:"ttl"` // seconds
	Type  string `json:"type"`
	Value string `json:"value"` // as in a zone file
}

// Lookup returns the answer for a full name and one of the types as the server
// gave it, aliases included. Failures are ErrNoName, ErrNoRecord, ErrNoAnswer
// and ErrNoServer.
func (r *Resolver) Lookup(ctx context.Context, name, kind string) ([]Record, error) {
	answer, err := r.ask(ctx, name, types[kind])
	if err != nil {
		return nil, err
	}
	if len(answer.Answer) == 0 {
		return nil, noRecord(name, kind)
	}
	records := make([]Record, len(answer.Answer))
	for i, rr := range answer.Answer {
		h := rr.Header()
		records[i] = Record{
			Name: h.Name, TTL: h.Ttl, Type: dns.TypeToString[h.Rrtype],
			Value: strings.TrimPrefix(rr.String(), h.String()),
		}
	}
	return records, nil
}

// Server is one SRV record: where a service is offered.
type Server struct {
	Target   string // host name in lower case, without the last dot
	Port     int
	Priority int // the lowest is tried first
	Weight   int // the share among those of one priority
	TTL      time.Duration
}

// SRV returns the servers of a service: the SRV records of name, "_xmpp-component._tcp.meet.example",
// in the order of the answer; Order says in which to try them. Failures are those
// of Lookup, and ErrNotOffered where the only target is ".".
func (r *Resolver) SRV(ctx context.Context, name string) ([]Server, error) {
	answer, err := r.ask(ctx, name, dns.TypeSRV)
	if err != nil {
		return nil, err
	}
	var servers []Server
	refused := false
	for _, rr := range answer.Answer {
		s, ok := rr.(*dns.SRV)
		switch {
		case !ok: // an alias
		case s.Target == ".":
			refused = true
		default:
			servers = append(servers, Server{
				Target: strings.ToLower(strings.TrimSuffix(s.Target, ".")), Port: int(s.Port),
				Priority: int(s.Priority), Weight: int(s.Weight), TTL: seconds(s.Hdr.Ttl),
			})
		}
	}
	switch {
	case len(servers) > 0:
		return servers, nil
	case refused:
		return nil, fail(ErrNotOffered, "the SRV record "+name+" says that the service is not offered (its target is \".\")",
			"let the record name the servers")
	}
	return nil, noRecord(name, SRV)
}

// Addresses are what a host name stands for.
type Addresses struct {
	List []netip.Addr  // IPv4 first, each in the order of the answer
	TTL  time.Duration // the shortest
}

// Addresses looks up the A and AAAA records of host. An address stands for
// itself, localhost for the loopback (RFC 6761 §6.3). Failures are those of
// Lookup; while one type has an answer a failure of the other is passed over.
func (r *Resolver) Addresses(ctx context.Context, host string) (Addresses, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return Addresses{List: []netip.Addr{addr.Unmap()}}, nil
	}
	if name := strings.ToLower(strings.TrimSuffix(host, ".")); name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return Addresses{List: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}}, nil
	}
	var answers [2]*dns.Msg
	var errs [2]error
	var both sync.WaitGroup
	for i, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		both.Go(func() { answers[i], errs[i] = r.ask(ctx, host, kind) })
	}
	both.Wait()
	var found Addresses
	for _, answer := range answers {
		if answer != nil {
			found.add(answer)
		}
	}
	if len(found.List) > 0 {
		return found, nil
	}
	return found, noAddress(host, errs)
}

func (a *Addresses) add(answer *dns.Msg) {
	for _, rr := range answer.Answer {
		var ip []byte
		switch x := rr.(type) {
		case *dns.A:
			ip = x.A
		case *dns.AAAA:
			ip = x.AAAA
		}
		addr, ok := netip.AddrFromSlice(ip)
		if !ok || slices.Contains(a.List, addr.Unmap()) {
			continue
		}
		if ttl := seconds(rr.Header().Ttl); len(a.List) == 0 || ttl < a.TTL {
			a.TTL = ttl
		}
		a.List = append(a.List, addr.Unmap())
	}
}

// noAddress picks what says most: that nobody answered, then that the name does
// not exist.
func noAddress(host string, errs [2]error) error {
	for _, why := range []error{context.Canceled, ErrNoServer, ErrNoAnswer, ErrNoName} {
		for _, err := range errs {
			if errors.Is(err, why) {
				return err
			}
		}
	}
	return noRecord(host, "A or AAAA")
}

// seconds takes a TTL as RFC 2181 §8 bounds it.
func seconds(ttl uint32) time.Duration {
	if ttl > 1<<31-1 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}
