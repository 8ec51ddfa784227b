package web

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"quorate.org/daemon/netif"
)

// Limits of a connection. The write limit outlasts the longest call of a
// service, a join of up to 40 s; a live page moves its own on.
const (
	headerTime  = 10 * time.Second // also for the TLS handshake
	readTime    = 60 * time.Second
	writeTime   = 60 * time.Second
	idleTime    = 2 * time.Minute
	headerBytes = 16 << 10
	drainTime   = 2 * time.Second // for requests in progress when a port closes
	maxStreams  = 32              // of HTTP/2 in a connection
)

// httpServer makes the server of one port. Bytes that are plain HTTP get
// net/http's own answer: 400, and that the port speaks HTTPS.
func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler:           s.handler(),
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.identity.certificate, NextProtos: []string{"h2", "http/1.1"}},
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // failed handshakes, for the most part
	}
}

// wanted returns the addresses that Web Admin listens on for now. An interface
// without an address yet is told once and asked for again.
func (s *Server) wanted(f *facts) []string {
	web := f.settings.Web
	if !f.known || !web.Enabled {
		return nil
	}
	port := strconv.Itoa(web.Port)
	if len(web.Listen) == 0 {
		return []string{":" + port}
	}
	addrs, err := netif.Addrs(web.Listen, f.settings.Network.Interfaces, "webadmin listen")
	s.doors.complain("listen", err)
	var out []string
	for _, a := range addrs {
		out = append(out, netip.AddrPortFrom(a, uint16(web.Port)).String())
	}
	return out
}

// doors are the open ports.
type doors struct {
	log   *slog.Logger
	crowd *crowd
	wg    sync.WaitGroup // ports that are closing

	mu    sync.Mutex
	open  map[string]*door  // guarded by mu; by address
	wrong map[string]string // guarded by mu; what is amiss, by what it is about
}

type door struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{} // closed when Serve has returned
}

func newDoors(log *slog.Logger) *doors {
	return &doors{log: log, crowd: newCrowd(), open: map[string]*door{}, wrong: map[string]string{}}
}

// set closes the ports that are not wanted and opens those that are. Requests
// in progress on a closing port may finish: the one that changed the port is
// among them.
func (d *doors) set(want []string, server func() *http.Server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for addr, o := range d.open {
		select {
		case <-o.done: // it broke; open it anew
			delete(d.open, addr)
		default:
		}
		if !slices.Contains(want, addr) {
			delete(d.open, addr)
			d.wg.Go(o.close)
			d.log.Info("Web Admin closes "+addr, "address", addr)
		}
	}
	for _, addr := range want {
		if d.open[addr] == nil {
			d.openDoor(addr, server())
		}
	}
}

// openDoor opens a port. d.mu is held.
func (d *doors) openDoor(addr string, server *http.Server) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	d.note(addr, err)
	if err != nil {
		return
	}
	o := &door{listener: l, server: server, done: make(chan struct{})}
	d.open[addr] = o
	d.log.Info("Web Admin listens on "+l.Addr().String(), "address", l.Addr().String())
	go func() {
		defer close(o.done)
		// It returns when the port is closed or broken; either is seen in done.
		_ = server.ServeTLS(&counted{l, d.crowd}, "", "")
	}()
}

func (o *door) close() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if o.server.Shutdown(ctx) != nil {
		_ = o.server.Close() // what did not end in time, live pages among it
	}
	<-o.done
}

// closeAll closes every port and waits for the requests in progress.
func (d *doors) closeAll() {
	d.mu.Lock()
	open := d.open
	d.open = map[string]*door{}
	d.mu.Unlock()
	for _, o := range open {
		d.wg.Go(o.close)
	}
	d.wg.Wait()
}

// complain journals an error when it is a new one.
func (d *doors) complain(about string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.note(about, err)
}

// note is complain with d.mu held.
func (d *doors) note(about string, err error) {
	if err == nil {
		delete(d.wrong, about)
		return
	}
	if text := err.Error(); d.wrong[about] != text {
		d.wrong[about] = text
		d.log.Error("Web Admin can not listen: " + text)
	}
}

// addresses returns where the open ports are.
func (d *doors) addresses() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for _, o := range d.open {
		out = append(out, o.listener.Addr().String())
	}
	slices.Sort(out)
	return out
}

// summary is the line systemctl status shows.
func (d *doors) summary() string {
	if at := d.addresses(); len(at) > 0 {
		return "serving " + strings.Join(at, " ")
	}
	return fmt.Sprintf("serving nobody: %s", d.why())
}

func (d *doors) why() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, text := range d.wrong {
		return text
	}
	return "web.enabled is false, or the settings are not known yet"
}
