package resolve

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/idna"
)

const (
	patience = 1500 * time.Millisecond // for one question to one server
	rounds   = 2                       // a lost packet is no silent server
)

// ask puts one question to the servers in turn until one answers. NXDOMAIN is
// ErrNoName; an answer without records is left to the caller.
func (r *Resolver) ask(ctx context.Context, name string, kind uint16) (*dns.Msg, error) {
	config, err := r.configuration()
	if err != nil {
		return nil, err
	}
	question, err := questionFor(name, kind)
	if err != nil {
		return nil, NoName(name)
	}
	failures := map[string]string{}
	for range rounds {
		for _, server := range r.inOrder(config.Servers) {
			if failed := failures[server]; failed != "" && failed != silence {
				continue
			}
			answer, err := exchange(ctx, net.JoinHostPort(server, r.port), question)
			switch {
			case ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled):
				return nil, context.Canceled
			case err != nil:
				failures[server] = inWords(err)
			case answer.Rcode == dns.RcodeNameError:
				r.answered(server)
				return nil, NoName(name)
			case answer.Rcode != dns.RcodeSuccess:
				failures[server] = " answers " + dns.RcodeToString[answer.Rcode]
			default:
				r.answered(server)
				return answer, nil
			}
		}
	}
	return nil, noAnswer(config.Servers, failures)
}

// questionFor takes the name in its ASCII form (RFC 5891 §4.4).
func questionFor(name string, kind uint16) (*dns.Msg, error) {
	ascii, err := idna.Punycode.ToASCII(name)
	if err != nil {
		return nil, err
	}
	question := new(dns.Msg).SetQuestion(dns.Fqdn(ascii), kind)
	question.SetEdns0(dns.DefaultMsgSize, false)
	return question, nil
}

// exchange asks by UDP, and again by TCP when the answer did not fit.
func exchange(ctx context.Context, server string, question *dns.Msg) (*dns.Msg, error) {
	client := &dns.Client{Timeout: patience}
	answer, _, err := client.ExchangeContext(ctx, question, server)
	if err == nil && answer.Truncated {
		client.Net = "tcp"
		answer, _, err = client.ExchangeContext(ctx, question, server)
	}
	return answer, err
}

const silence = ": no answer"

// inWords leaves out ports and syscalls, which change with every try.
func inWords(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return silence
	case errors.As(err, &op):
		var sys *os.SyscallError
		if errors.As(op.Err, &sys) {
			return ": " + sys.Err.Error()
		}
		return ": " + op.Err.Error()
	}
	return ": " + err.Error()
}

func noAnswer(servers []string, failures map[string]string) error {
	said := make([]string, len(servers))
	for i, s := range servers {
		said[i] = s + failures[s]
	}
	return fail(ErrNoAnswer, "no name server gives an answer: "+strings.Join(said, "; "), "check the name servers that dns shows, and the network to them: ping")
}
