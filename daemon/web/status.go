package web

import (
	"context"
	"slices"
	"sync"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/health"
)

// status is what the status page shows: everything that matters about this
// node, each part with what it is or why it can not be told.
type status struct {
	At           string                       // RFC 3339: the clock of this node
	Bridge       answer[bus.CallBridgeStatus] // the link in words is .Value.Text
	Xmpp         answer[bus.XmppStatus]
	Cluster      answer[bus.ClusterStatus]
	Certificates answer[[]bus.Certificate]  // those in use
	Services     answer[[]bus.ServiceCheck] // what will break, and when
	Faults       []bus.Fault                // what is wrong, worst first
	Errors       answer[[]line]             // newest first
}

// statusPage is Status > General.
func (s *Server) statusPage() page {
	return page{path: "/status", title: "General", menu: "Status", view: func(ctx context.Context, v *visit) (any, error) {
		return s.status(ctx, v), nil
	}}
}

// status asks every service at once, so that a silent one costs the page its
// patience and no more.
func (s *Server) status(ctx context.Context, v *visit) *status {
	all, conn := &status{At: time.Now().UTC().Format(time.RFC3339)}, v.session.bus
	var wg sync.WaitGroup
	ask(ctx, &wg, &all.Bridge, conn.Bridge().Status)
	ask(ctx, &wg, &all.Xmpp, conn.Xmpp().Status)
	ask(ctx, &wg, &all.Cluster, conn.Xmpp().ClusterStatus)
	ask(ctx, &wg, &all.Certificates, func(ctx context.Context) ([]bus.Certificate, error) { return certificatesInUse(ctx, conn) })
	ask(ctx, &wg, &all.Services, conn.Certificates().Services)
	ask(ctx, &wg, &all.Errors, s.errors.look)
	wg.Go(func() { all.Faults = worstFirst(health.Look(ctx, conn)) })
	wg.Wait()
	return all
}

// worstFirst puts what does not work before what may stop working.
func worstFirst(faults []bus.Fault) []bus.Fault {
	warning := func(f bus.Fault) int {
		if health.Of(f.Code).Severity == health.Warning {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(faults, func(a, b bus.Fault) int { return warning(a) - warning(b) })
	return faults
}

func certificatesInUse(ctx context.Context, conn *bus.Conn) ([]bus.Certificate, error) {
	all, err := conn.Certificates().List(ctx)
	var used []bus.Certificate
	for _, c := range all {
		if len(c.UsedBy) > 0 && c.NotAfter != "" {
			used = append(used, c)
		}
	}
	return used, err
}
