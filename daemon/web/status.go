package web

import (
	"context"
	"sync"
	"time"

	"quorate.org/daemon/bus"
)

// statusPage is Status > General: everything that matters about this node, each
// part with what it is or why it can not be told.
func statusPage() page {
	return page{path: "/status", title: "General", menu: "Status", view: func(ctx context.Context, v *visit) (any, error) {
		return v.status(ctx), nil
	}}
}

// status is what the status page shows.
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

// status asks every service at once, so that a silent one costs the page its
// patience and no more.
func (v *visit) status(ctx context.Context) *status {
	s, conn := &status{At: time.Now().UTC().Format(time.RFC3339)}, v.session.bus
	var wg sync.WaitGroup
	ask(ctx, &wg, &s.Bridge, conn.Bridge().Status)
	ask(ctx, &wg, &s.Xmpp, conn.Xmpp().Status)
	ask(ctx, &wg, &s.Cluster, conn.Xmpp().ClusterStatus)
	ask(ctx, &wg, &s.Certificates, func(ctx context.Context) ([]bus.Certificate, error) { return certificatesInUse(ctx, conn) })
	ask(ctx, &wg, &s.Services, conn.Certificates().Services)
	wg.Wait()
	return s
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
