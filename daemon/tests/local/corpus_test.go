package local

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
	"quorate.org/daemon/internal/lab/hostile"
	"quorate.org/daemon/internal/lab/labtest"
)

// siege is what three nodes are put to at once: the corpus, whole and byte by byte,
// handshakes of Call Bridges with wrong secrets, connections that say nothing, and
// a client that does not read.
type siege struct {
	t      *testing.T
	l      *lab.Lab
	ctx    context.Context
	others sync.WaitGroup

	cases, served, handshakes, silent atomic.Int32
}

// slowly is how long a case may be to be sent byte by byte too.
const slowly = 400

// corpus plays every case against a node, one after the other, paced: what is
// measured is what it does to others, and not how fast one machine plays all parts.
func (s *siege) corpus(at *lab.Node) {
	pace := time.NewTicker(30 * time.Millisecond)
	defer pace.Stop()
	for i, c := range hostile.Corpus(lab.Domain) {
		for _, bytewise := range []bool{false, true} {
			if bytewise && len(c.Send) > slowly {
				continue
			}
			<-pace.C
			got, err := s.play(at, c, bytewise, fmt.Sprint(at.Name(), i, bytewise))
			if err != nil || !regexp.MustCompile("<("+c.Want+")[ /]").MatchString(got) {
				s.t.Errorf("%s, %s/%s: want %s, got %.500q, %v", at.Name(), c.Stage, c.Name, c.Want, got, err)
			}
			s.cases.Add(1)
		}
	}
}

// play sends one case at its stage and returns what was answered until the end.
func (s *siege) play(at *lab.Node, c hostile.Case, bytewise bool, resource string) (string, error) {
	conn, err := s.connect(at)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	switch c.Stage {
	case hostile.Bound:
		p, err := flow.Client(s.ctx, s.l.Dial, at.Addr()+":5222", labtest.TLS(s.l),
			flow.Account{Local: "mallory", Domain: lab.Domain, Password: labtest.Password, Resource: resource})
		if err != nil {
			return "", err
		}
		defer p.Close()
		go func() { _ = dribble(c.Send, bytewise, p.Send) }() // the server may not read all of it
		select {
		case <-p.Done():
			return p.Err().Error(), nil
		case <-time.After(patience):
			return "", errors.New("the stream is still open")
		}
	case hostile.Opened:
		if _, err := io.WriteString(conn, clientHeader); err != nil {
			return "", err
		}
	}
	go func() { _ = dribble(c.Send, bytewise, func(b []byte) error { _, err := conn.Write(b); return err }) }()
	got, err := io.ReadAll(conn)
	if err != nil && !closedEarly(err) {
		return string(got), err
	}
	return string(got), nil
}

// services sends what asks too much of them, each behind the answer to the one before
// and a ping of the same stream; and what a stream ends by.
func (s *siege) services(at *lab.Node) {
	k, err := s.talk(at, "served")
	if err != nil {
		s.t.Error(err)
		return
	}
	defer k.Close()
	pace := time.NewTicker(500 * time.Millisecond) // a quarter of a megabyte each
	defer pace.Stop()
	for i, c := range hostile.Services(lab.Domain) {
		<-pace.C
		began := time.Now()
		got, err := k.ask(c.Send, fmt.Sprintf("<iq type='get' id='behind-%d' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", i, lab.Domain), fmt.Sprintf("id='behind-%d'", i))
		answer := regexp.MustCompile("<iq [^>]*id='" + hostile.ServedID + "'")
		condition := regexp.MustCompile("<(" + c.Want + ")[ /]|type='(" + c.Want + ")'")
		if err != nil || answer.MatchString(got) != (c.Want != "") || c.Want != "" && !condition.MatchString(got) {
			s.t.Errorf("%s, %s/%s: want %s, got %.500q, %v", at.Name(), c.Stage, c.Name, c.Want, got, err)
			return
		}
		s.served.Add(1)
		if took := time.Since(began); took > slowService {
			s.t.Logf("M5.4 services: %s, %s/%s: answered after %v", at.Name(), c.Stage, c.Name, took.Round(time.Millisecond))
		}
	}
	c := hostile.Unconfirmed(lab.Domain)
	if k, err = s.talk(at, "unconfirmed"); err != nil {
		s.t.Error(err)
		return
	}
	defer k.Close()
	go func() { _ = k.Send([]byte(c.Send)) }() // the server may not read all of it
	select {
	case <-k.Done():
		if err := k.Err().Error(); !regexp.MustCompile("<(" + c.Want + ")[ /]").MatchString(err) {
			s.t.Errorf("%s, %s/%s: want %s, got %s", at.Name(), c.Stage, c.Name, c.Want, err)
		}
		s.served.Add(1)
	case <-time.After(patience):
		s.t.Errorf("%s, %s/%s: the stream is still open", at.Name(), c.Stage, c.Name)
	}
}

// slowService is how long an answer may take without a word in the log.
const slowService = 100 * time.Millisecond

// requester is a bound client that hears what comes behind a request.
type requester struct {
	*flow.Peer
	heard chan string
}

func (s *siege) talk(at *lab.Node, resource string) (requester, error) {
	heard := make(chan string, 1000)
	p, err := flow.Client(s.ctx, s.l.Dial, at.Addr()+":5222", labtest.TLS(s.l), flow.Account{Local: "mallory", Domain: lab.Domain,
		Password: labtest.Password, Resource: at.Name() + resource, Heard: func(elem []byte) {
			select {
			case heard <- string(elem):
			default: // nobody listens to this one
			}
		}})
	return requester{p, heard}, err
}

// ask returns the answers to a request, up to that of what is sent behind it.
func (a requester) ask(request, behind, until string) (got string, err error) {
	if err := a.Send([]byte(request + behind)); err != nil {
		return "", err
	}
	limit := time.After(patience)
	for {
		select {
		case elem := <-a.heard:
			if strings.Contains(elem, until) {
				return got, nil
			}
			if strings.HasPrefix(elem, "<iq") {
				got += elem
			}
		case <-a.Done():
			return got, a.Err()
		case <-limit:
			return got, errors.New("the ping behind it is not answered")
		}
	}
}

func dribble(text string, bytewise bool, send func([]byte) error) error {
	if !bytewise {
		return send([]byte(text))
	}
	for i := range len(text) {
		if err := send([]byte(text[i : i+1])); err != nil {
			return err
		}
	}
	return nil
}

func (s *siege) connect(at *lab.Node) (*tls.Conn, error) {
	conn, err := s.l.Dial(s.ctx, "tcp", at.Addr()+":5223")
	if err != nil {
		return nil, err
	}
	c := tls.Client(conn, labtest.TLS(s.l))
	if err := errors.Join(conn.SetDeadline(time.Now().Add(patience)), c.HandshakeContext(s.ctx)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// knock tries a component's secret again and again, and leaves a connection behind
// that stops amid the TLS handshake each time.
func (s *siege) knock(at *lab.Node) {
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	var silent []net.Conn
	defer func() {
		for _, conn := range silent {
			_ = conn.Close()
		}
	}()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-pace.C:
		}
		if conn, err := s.l.Dial(s.ctx, "tcp", at.Addr()+":5223"); err == nil && len(silent) < 300 {
			_, _ = io.WriteString(conn, "\x16\x03\x01\x02\x00\x01\x00") // a hello that does not go on
			silent = append(silent, conn)
			s.silent.Add(1)
		}
		if _, err := flow.Component(s.ctx, s.l.Dial, at.Addr()+":5223", labtest.TLS(s.l), "cb1."+lab.Domain, "wrong"); err == nil {
			s.t.Error("a wrong secret is taken")
		} else if strings.Contains(err.Error(), "not-authorized") {
			s.handshakes.Add(1)
		}
	}
}

// flood writes to a client that does not read, until the server has closed it.
func (s *siege) flood(at *lab.Node) {
	to := sleeper(s.t, s.l, at)
	from := labtest.Component(s.t, s.l, "cb3", at)
	msg := []byte("<message from='cb3." + lab.Domain + "' to='" + to + "'><body>" + strings.Repeat("x", 8<<10) + "</body></message>")
	pace := time.NewTicker(10 * time.Millisecond)
	s.others.Go(func() {
		defer pace.Stop()
		for s.ctx.Err() == nil && from.Send(msg) == nil {
			<-pace.C
		}
	})
}

// latency is the round trip of one message in flight between two clients on two
// nodes, ascending, until the siege ends.
func latency(t *testing.T, a, b *flow.Peer, until <-chan struct{}) (all []time.Duration) {
	t.Helper()
	for {
		times, err := flow.RoundTrips(t.Context(), a, b, 20)
		must(t, err)
		all = append(all, times...)
		select {
		case <-until:
			slices.Sort(all)
			return all
		default:
		}
	}
}

// tolerated is what others may feel at the 99th percentile, where they feel less than
// idle without a siege. The attackers run on the same processors as the three nodes: a
// machine that is busy with other work adds what it takes by itself, and that is told.
const (
	tolerated = 20 * time.Millisecond
	idle      = 3 * time.Millisecond
)

// The corpus and what else a stranger may do, on three nodes at once: each is
// answered with the RFC's error, memory stays bounded, and two users who have
// nothing to do with it feel little.
func TestM5_4_Corpus(t *testing.T) {
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	labtest.Account(t, l, "mallory")
	for _, n := range l.Members() {
		lenient(t, n, "xmpp.max_auth_failures_per_address 100000")
	}
	a, b := labtest.Client(t, l, "alice", others[0]), labtest.Client(t, l, "bob", others[1])
	_, err := flow.RoundTrips(t.Context(), a, b, 200) // warm up
	must(t, err)
	peace := func() time.Duration {
		done := make(chan struct{})
		time.AfterFunc(3*time.Second, func() { close(done) })
		return flow.Percentile(latency(t, a, b, done), 0.99)
	}
	before := peace()
	var p99, limit time.Duration
	for range 3 { // the best counts: a burst of other work is not the siege's
		p99 = besiege(t, l, others[1], a, b)
		after := peace()
		limit = tolerated
		if busy := max(before, after); busy >= idle {
			limit += busy
		}
		t.Logf("M5.4 corpus: in peace p99 is %v before and %v behind the siege; under it it is %v, and may be %v", before, after, p99, limit)
		if p99 <= limit || t.Failed() {
			return
		}
	}
	t.Errorf("others' p99 is %v, want %v at most", p99, limit)
}

// Stanzas in good order that ask too much of a service, at three nodes at once: each is
// answered, its stream goes on, and memory stays bounded. What two others feel
// meanwhile is told.
func TestM5_4_Services(t *testing.T) {
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	labtest.Account(t, l, "mallory")
	a, b := labtest.Client(t, l, "alice", others[0]), labtest.Client(t, l, "bob", others[1])
	s := &siege{t: t, l: l, ctx: t.Context()}
	memory := map[*lab.Node]int{}
	played := make(chan struct{})
	for _, n := range l.Members() {
		memory[n] = rss(t, n)
		s.others.Go(func() { s.services(n) })
	}
	go func() { s.others.Wait(); close(played) }()
	times := latency(t, a, b, played)
	grown := 0
	for n, before := range memory {
		grown = max(grown, rss(t, n)-before)
	}
	must(t, wantf(int(s.served.Load()) == len(l.Members())*(len(hostile.Services(lab.Domain))+1), "%d stanzas were answered", s.served.Load()))
	must(t, wantf(grown < 64<<20, "memory grew by %d MiB", grown>>20))
	t.Logf("M5.4 services: %d stanzas that ask too much, each answered while its stream went on; memory grew by %d MiB at most", s.served.Load(), grown>>20)
	t.Logf("M5.4 services: %d round trips of two others, p50 %v, p99 %v", len(times), flow.Percentile(times, 0.5), flow.Percentile(times, 0.99))
}

// besiege plays the corpus on every node, and returns what others felt.
func besiege(t *testing.T, l *lab.Lab, flooded *lab.Node, a, b *flow.Peer) (p99 time.Duration) {
	t.Helper()
	memory, told := map[*lab.Node]int{}, errorsTold(t, l)
	for _, n := range l.Members() {
		memory[n] = rss(t, n)
	}
	ctx, stop := context.WithCancel(t.Context())
	s := &siege{t: t, l: l, ctx: ctx}
	s.flood(flooded)
	var corpora sync.WaitGroup
	for _, n := range l.Members() {
		corpora.Go(func() { s.corpus(n) })
		s.others.Go(func() { s.knock(n) })
	}
	played := make(chan struct{})
	began := time.Now()
	go func() { corpora.Wait(); close(played) }()
	times := latency(t, a, b, played)
	took := time.Since(began)
	told = errorsTold(t, l) - told
	stop()
	s.others.Wait()
	grown := 0
	for n, before := range memory {
		grown = max(grown, rss(t, n)-before)
	}
	return s.judge(times, grown, int(told), took)
}

// judge tells of the siege and returns the 99th percentile of others' round trips.
func (s *siege) judge(times []time.Duration, grown, told int, took time.Duration) time.Duration {
	s.t.Helper()
	p50, p99 := flow.Percentile(times, 0.5), flow.Percentile(times, 0.99)
	cases, handshakes, silent := int(s.cases.Load()), s.handshakes.Load(), s.silent.Load()
	s.t.Logf("M5.4 corpus: %d plays on three nodes in %.1f s, each answered with its error; meanwhile %d wrong handshakes, %d half-open connections, a client that does not read", cases, took.Seconds(), handshakes, silent)
	s.t.Logf("M5.4 corpus: %d round trips of two others, p50 %v, p99 %v; memory grew by %d MiB at most", len(times), p50, p99, grown>>20)
	must(s.t, wantf(grown < 64<<20, "memory grew by %d MiB", grown>>20))
	must(s.t, wantf(told >= cases, "the metrics count %d stream errors of %d", told, cases))
	must(s.t, wantf(handshakes > 20 && silent > 20, "%d handshakes and %d silent connections were no siege", handshakes, silent))
	return p99
}

// errorsTold is how many stream errors the nodes have sent.
func errorsTold(t *testing.T, l *lab.Lab) (sum float64) {
	t.Helper()
	for _, n := range l.Members() {
		numbers, err := n.Metrics(t.Context())
		must(t, err)
		for name, value := range numbers {
			if strings.HasPrefix(name, "quorate_stream_errors_total{") {
				sum += value
			}
		}
	}
	return sum
}
