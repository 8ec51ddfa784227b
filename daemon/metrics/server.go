package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
	"golang.org/x/net/netutil"
)

// most is how many connections one listener serves at a time.
const most = 16

// Server gives the numbers to whoever asks for /metrics.
type Server struct {
	registry *prometheus.Registry
	socket   string
	log      *slog.Logger
	http     *http.Server
	running  sync.WaitGroup

	asked sync.Mutex // held by who reads the numbers

	mu    sync.Mutex // guards what follows
	ended bool
	ports map[netip.AddrPort]net.Listener
}

// New returns a server that listens nowhere. socket is the path of the local one,
// "" for none; read is asked for the numbers each
// time.
func New(socket string, read func(*Readings), log *slog.Logger) *Server {
	s := &Server{registry: prometheus.NewRegistry(), socket: socket, log: log, ports: map[netip.AddrPort]net.Listener{}}
	s.registry.MustRegister(collector{read}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.serve)
	s.http = &http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	s.http.SetKeepAlivesEnabled(false) // whoever asks twice a minute needs none, and a port that closes is closed
	return s
}

func (s *Server) serve(w http.ResponseWriter, _ *http.Request) {
	s.asked.Lock()
	families, err := s.registry.Gather()
	s.asked.Unlock()
	if err != nil {
		s.log.Error("gathering metrics", "error", err)
		http.Error(w, "the metrics could not be gathered; the journal tells why", http.StatusInternalServerError)
		return
	}
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	w.Header().Set("Content-Type", string(format))
	to := expfmt.NewEncoder(w, format)
	for _, f := range families {
		if to.Encode(f) != nil {
			return // who asked has gone
		}
	}
}

// Run serves on the local socket, and where Listen says, until ctx ends.
func (s *Server) Run(ctx context.Context) {
	switch l, err := s.local(); {
	case err != nil:
		s.log.Error("opening the socket of the metrics", "error", err)
	case l != nil:
		s.start(l)
	}
	<-ctx.Done()
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	_ = s.http.Close() // closes the listeners too
	s.running.Wait()
}

// local opens the socket. Whoever has a shell on the node may ask: there is nothing
// secret in numbers, and only administrators and operators have one.
func (s *Server) local() (net.Listener, error) {
	if s.socket == "" {
		return nil, nil
	}
	if err := os.Remove(s.socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing what an earlier start left: %w", err)
	}
	l, err := net.Listen("unix", s.socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(s.socket, 0o666); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (s *Server) start(l net.Listener) {
	s.running.Go(func() {
		if err := s.http.Serve(netutil.LimitListener(l, most)); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.log.Error("serving metrics", "error", err)
		}
	})
}

// Listen serves on these addresses and no others. An error names every one that
// could not be opened; the rest is in effect, and Listen may be called again.
func (s *Server) Listen(wanted []netip.AddrPort) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil
	}
	for at, l := range s.ports {
		if !slices.Contains(wanted, at) {
			_ = l.Close()
			delete(s.ports, at)
		}
	}
	var errs []error
	for _, at := range wanted {
		if s.ports[at] != nil {
			continue
		}
		l, err := net.Listen("tcp", at.String())
		if err != nil {
			errs = append(errs, fmt.Errorf("opening the port of the metrics: %w", err))
			continue
		}
		s.ports[at] = l
		s.log.Info("metrics are given", "address", l.Addr().String())
		s.start(l)
	}
	return errors.Join(errs...)
}
