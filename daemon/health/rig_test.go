package health

import (
	"context"
	"errors"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
)

// rig is a node whose services say what a test wants to hear. What Look does
// not ask is not there: the interfaces are embedded empty.
type rig struct {
	units    []bus.Unit
	values   map[string]any
	refused  string
	status   bus.XmppStatus
	cluster  bus.ClusterStatus
	files    []bus.Certificate
	services []bus.ServiceCheck
	judge    error // what Services fails with
	bridge   bus.CallBridgeStatus
	upgrade  bus.Upgrade
	silent   bool // the XMPP service does not answer
}

// well is a node with nothing wrong.
func well() *rig {
	return &rig{values: map[string]any{}, cluster: bus.ClusterStatus{State: "STANDALONE"}, bridge: bus.CallBridgeStatus{State: "not configured", Text: "no Call Bridge is configured"}}
}

// up exports the services, except those named, and returns a connection.
func (r *rig) up(t *testing.T, without ...string) *bus.Conn {
	t.Helper()
	bustest.Start(t)
	server := dial(t)
	gone := map[string]bool{}
	for _, name := range without {
		gone[name] = true
	}
	must := func(name string, serve func() error) {
		t.Helper()
		if gone[name] {
			return
		}
		if err := serve(); err != nil {
			t.Fatal(err)
		}
	}
	must("config", func() error {
		_, err := server.ServeConfig(configOf{rig: r}, bus.ConfigProperties{Generation: 4, Refused: r.refused}, nil)
		return err
	})
	must("xmpp", func() error {
		_, err := server.ServeXmpp(xmppOf{rig: r}, bus.XmppProperties{}, nil)
		return err
	})
	must("certificates", func() error {
		_, err := server.ServeCertificates(certificatesOf{rig: r}, nil)
		return err
	})
	must("bridge", func() error {
		_, err := server.ServeBridge(bridgeOf{rig: r}, bus.BridgeProperties{}, nil)
		return err
	})
	return dial(t)
}

func dial(t *testing.T) *bus.Conn {
	t.Helper()
	conn, err := bus.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

type configOf struct {
	bus.ConfigServer
	*rig
}

func (c configOf) Units(context.Context) ([]bus.Unit, error) { return c.units, nil }

func (c configOf) Upgrades(context.Context) (bus.Upgrade, error) { return c.upgrade, nil }

func (c configOf) Values(context.Context, bus.Caller) (map[string]any, error) { return c.values, nil }

type xmppOf struct {
	bus.XmppServer
	*rig
}

func (x xmppOf) Status(ctx context.Context) (bus.XmppStatus, error) {
	if x.silent {
		<-ctx.Done()
		return bus.XmppStatus{}, ctx.Err()
	}
	return x.status, nil
}

func (x xmppOf) ClusterStatus(ctx context.Context) (bus.ClusterStatus, error) {
	if x.silent {
		<-ctx.Done()
		return bus.ClusterStatus{}, ctx.Err()
	}
	return x.cluster, nil
}

type certificatesOf struct {
	bus.CertificatesServer
	*rig
}

func (c certificatesOf) List(context.Context) ([]bus.Certificate, error) { return c.files, nil }

func (c certificatesOf) Services(context.Context) ([]bus.ServiceCheck, error) {
	return c.services, c.judge
}

type bridgeOf struct {
	bus.BridgeServer
	*rig
}

func (b bridgeOf) Status(context.Context) (bus.CallBridgeStatus, error) { return b.bridge, nil }

// ofServices leaves out what the machine that runs the test has wrong.
func ofServices(t *testing.T, faults []bus.Fault) []bus.Fault {
	t.Helper()
	var all []bus.Fault
	for _, f := range faults {
		switch fault.Code(f.Code) {
		case fault.Clock, fault.DiskFull, fault.MemoryFull:
		default:
			all = append(all, f)
		}
	}
	return all
}

var errOld = errors.New("no such method")
