package flow

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// crowdLimit bounds one sign-in among thousands: a server may take them in turn.
const crowdLimit = 2 * time.Minute

// dialling is how many connections of a crowd are opened at a time: each holds
// a thread while it is in the namespace.
const dialling = 64

// Crowd signs the accounts in, at most abreast of them at a time, account i at
// address i of those given, round and round. It returns those that are in, the
// errors of the others, and how long it took.
func Crowd(ctx context.Context, dial Dialer, addrs []string, conf *tls.Config, accounts []Account, abreast int) ([]*Peer, []error, time.Duration) {
	var (
		mu sync.Mutex // guards in
		in []*Peer
	)
	dial = throttled(dial)
	errs, took := each(len(accounts), abreast, func(i int) error {
		p, err := signIn(ctx, dial, addrs[i%len(addrs)], conf, accounts[i], crowdLimit)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			in = append(in, p)
		}
		return err
	})
	return in, errs, took
}

// Handshakes is what a crowd costs without XMPP: count TLS handshakes at once, with
// servers that close the connection behind them.
func Handshakes(ctx context.Context, dial Dialer, addrs []string, conf *tls.Config, count int) ([]error, time.Duration) {
	dial = throttled(dial)
	return each(count, count, func(i int) error { return handshake(ctx, dial, addrs[i%len(addrs)], conf) })
}

// each calls do for each number below count, at most abreast at a time. It returns the
// errors and how long it took.
func each(count, abreast int, do func(i int) error) ([]error, time.Duration) {
	var (
		mu    sync.Mutex // guards errs
		errs  []error
		all   sync.WaitGroup
		ready = make(chan struct{}, abreast)
	)
	began := time.Now()
	for i := range count {
		ready <- struct{}{}
		all.Go(func() {
			defer func() { <-ready }()
			if err := do(i); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	all.Wait()
	return errs, time.Since(began)
}

func handshake(ctx context.Context, dial Dialer, addr string, conf *tls.Config) error {
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(crowdLimit))
	t := tls.Client(conn, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		return err
	}
	// The client is done before the server: it waits for the server to close.
	if _, err := t.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("behind the handshake: %w", err)
	}
	return nil
}

func throttled(dial Dialer) Dialer {
	free := make(chan struct{}, dialling)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		free <- struct{}{}
		defer func() { <-free }()
		return dial(ctx, network, addr)
	}
}

// Disperse ends the streams of a crowd.
func Disperse(peers []*Peer) {
	var all sync.WaitGroup
	for _, p := range peers {
		all.Go(p.Close)
	}
	all.Wait()
}
