package certd

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/store"
	"quorate.org/daemon/settings"
)

// othersWithin bounds what Services asks the XMPP service: without an answer it
// tells the rest. Members that are there answer in a few milliseconds, and every
// look at the node's health waits for those that are not.
const othersWithin = 700 * time.Millisecond

// Services says for each service that uses certificates what will break, when
// and what mends it. What is in order has a line too.
func (s *Service) Services(ctx context.Context) ([]bus.ServiceCheck, error) {
	if err := s.scan(ctx); err != nil {
		return nil, err
	}
	v, err := s.askSettings(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, othersWithin)
	defer cancel()
	domain := s.domain(ctx, v)
	var list []bus.ServiceCheck
	for _, look := range []func() *inspection{
		func() *inspection { return s.inspectXMPP(v, domain) },
		func() *inspection { return s.inspectCluster(ctx, v, domain) },
		func() *inspection { return s.inspectWeb(v) },
		func() *inspection { return s.inspectCallBridge(v, domain) },
	} {
		list = append(list, look().list...)
	}
	return list, nil
}

// domain is the one the XMPP service serves, which in a cluster the settings
// only seed.
func (s *Service) domain(ctx context.Context, v settings.Values) string {
	status, err := s.conn.Xmpp().Status(ctx)
	if err != nil {
		return v.XMPP.Domain
	}
	return cmp.Or(status.Domain, v.XMPP.Domain)
}

// inspection collects what is found about one service.
type inspection struct {
	service string
	now     time.Time
	list    []bus.ServiceCheck
}

func (s *Service) inspect(service string) *inspection {
	return &inspection{service: service, now: s.now()}
}

func (i *inspection) good(file, format string, args ...any) {
	i.list = append(i.list, bus.ServiceCheck{Service: i.service, File: file, OK: true, Text: fmt.Sprintf(format, args...)})
}

// bad tells a fault and what it breaks.
func (i *inspection) bad(file string, err error, breaks string) {
	f := &fault.Error{}
	if !errors.As(err, &f) {
		f = fault.New(fault.Internal, err.Error())
	}
	i.list = append(i.list, bus.ServiceCheck{Service: i.service, File: file, Code: string(f.Code),
		Text: breaks + ": " + f.Message, Remedy: f.Remedy})
}

// effect is what is so while something is bad, and what will be; empty is nothing.
type effect struct{ now, later string }

// until tells when a certificate ends and what that breaks.
func (i *inspection) until(file, role string, c *x509.Certificate, breaks effect) {
	at, day := c.NotAfter, c.NotAfter.UTC().Format(time.DateOnly)
	line := bus.ServiceCheck{Service: i.service, File: file}
	what := fmt.Sprintf("the %s of %s in %s", role, pki.Subject(c), file)
	switch {
	case i.now.Before(c.NotBefore) && breaks != effect{}:
		at = c.NotBefore
		line.Code, line.Remedy = string(fault.NotYetValid), "check the clock of this node: date"
		line.Text = fmt.Sprintf("%s: %s is not valid before %s", breaks.now, what, at.UTC().Format(time.DateOnly))
	case breaks == effect{}:
		line.OK, line.Text = true, fmt.Sprintf("%s is valid until %s, and nothing ends with it: its key is what counts", what, day)
	case i.now.After(at):
		line.Code, line.Remedy = string(fault.Expired), "upload a renewed one under the same name"
		line.Text = fmt.Sprintf("%s: %s expired on %s", breaks.now, what, day)
	case at.Sub(i.now) <= timeToRenew(c):
		line.Code, line.Remedy = string(fault.Expired), "upload a renewed one under the same name"
		line.Text = fmt.Sprintf("%s from %s on: %s expires in %s", breaks.later, day, what, days(pki.DaysLeft(at, i.now)))
	default:
		line.OK, line.Text = true, fmt.Sprintf("%s is valid until %s", what, day)
	}
	line.When, line.Days = at.UTC().Format(time.RFC3339), pki.DaysLeft(at, i.now)
	if !slices.Contains(i.list, line) { // one file may be certificate and trust
		i.list = append(i.list, line)
	}
}

// timeToRenew is how long before its end a certificate should be renewed: the
// first of the journal's marks, or a third of a short life, as issuing services
// of such certificates advise.
func timeToRenew(c *x509.Certificate) time.Duration {
	return min(time.Duration(pki.WarnDays[0])*24*time.Hour, c.NotAfter.Sub(c.NotBefore)/3)
}

// elsewhere says which other file of the store has the issuer of c.
func (s *Service) elsewhere(c *x509.Certificate) (file string, ok bool) {
	file = s.store.IssuerFile(c)
	return file, file != ""
}

// opinion is what the members of the cluster said of a certificate last.
type opinion struct {
	mu    sync.Mutex
	chain string // guarded by mu, as all below
	at    time.Time
	steps []bus.Step
	err   error
}

// opinions are what the members of the cluster say of the certificate in use.
// An XMPP service that is off knows of none. Whoever looks often is told the
// same for a while: that a member is gone costs one of them the time to notice.
func (s *Service) opinions(ctx context.Context, v settings.Values) ([]bus.Step, error) {
	chain := s.store.Shown(store.Service{Certificate: v.XMPP.Certificate, Bundle: v.XMPP.Bundle})
	if chain == "" {
		return nil, nil
	}
	o := &s.opinion
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.chain == chain && time.Since(o.at) < remember {
		return o.steps, o.err
	}
	steps, err := s.conn.Xmpp().WouldAccept(ctx, []byte(chain))
	switch {
	case fault.CodeOf(err) == fault.Unavailable:
		return nil, nil
	case errors.Is(ctx.Err(), context.Canceled): // who asked has gone
		return nil, err
	}
	o.chain, o.at, o.steps, o.err = chain, time.Now(), steps, err
	return steps, err
}
