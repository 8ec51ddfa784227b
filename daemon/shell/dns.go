package shell

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

const (
	resolvConf = "/etc/resolv.conf"
	dnsTimeout = 3 * time.Second // for one question to one server
)

var recordTypes = map[string]uint16{"a": dns.TypeA, "aaaa": dns.TypeAAAA, "srv": dns.TypeSRV}

func dnsCommands() []command {
	return []command{
		{grammar.Command{
			Words: "dns", Shows: true,
			Help: "Show the name servers and search domains in use",
		}, dnsServers},
		{grammar.Command{
			Words: "dns lookup", Shows: true,
			Args: []grammar.Arg{
				{Name: "type", Kind: grammar.Choice, Choices: []string{"a", "aaaa", "srv"}},
				{Name: "name", Kind: grammar.Host},
			},
			Help: "Ask the name servers for a name",
		}, dnsLookup},
	}
}

func systemResolver() (*dns.ClientConfig, error) {
	config, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil {
		return nil, fault.New(fault.DNS, "the name servers are not known: "+err.Error())
	}
	if len(config.Servers) == 0 {
		return nil, fault.New(fault.DNS, "no name server is configured")
	}
	return config, nil
}

func dnsServers(_ context.Context, s *Shell, c grammar.Call) error {
	config, err := s.resolver()
	if err != nil {
		return err
	}
	value := map[string][]string{"servers": config.Servers, "search": config.Search}
	return s.show(c, value, layout.StatusBlock([]layout.Field{
		{Label: "Name servers", Value: strings.Join(config.Servers, " ")},
		{Label: "Search domains", Value: strings.Join(config.Search, " ")},
	}))
}

// noRecord is what mends an answer that names nothing.
const noRecord = "add the record to the zone; dns shows which servers were asked"

// record is one line of an answer.
type record struct {
	Name  string `json:"name"`
	TTL   uint32 `json:"ttl"` // seconds
	Type  string `json:"type"`
	Value string `json:"value"` // as in a zone file
}

func dnsLookup(ctx context.Context, s *Shell, c grammar.Call) error {
	config, err := s.resolver()
	if err != nil {
		return err
	}
	kind := strings.ToLower(c.Arg(0))
	var records []record
	for _, name := range config.NameList(c.Arg(1)) {
		records, err = lookup(ctx, config, name, recordTypes[kind])
		if fault.CodeOf(err) != fault.NotFound {
			break
		}
	}
	if fault.CodeOf(err) == fault.NotFound {
		return fault.Mend(fault.DNS, fmt.Sprintf("%s does not exist", c.Arg(1)), noRecord)
	}
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return fault.Mend(fault.DNS, fmt.Sprintf("%s has no %s record", c.Arg(1), strings.ToUpper(kind)), noRecord)
	}
	return s.show(c, records, recordTable(records))
}

func recordTable(records []record) string {
	rows := make([][]string, len(records))
	for i, r := range records {
		rows[i] = []string{r.Name, strconv.FormatUint(uint64(r.TTL), 10), r.Type, r.Value}
	}
	return layout.Table([]string{"NAME", "TTL", "TYPE", "VALUE"}, rows)
}

// lookup asks the servers in turn until one answers. A name that does not exist
// is a NotFound, any other failure a DNS fault.
func lookup(ctx context.Context, config *dns.ClientConfig, name string, kind uint16) ([]record, error) {
	var failures []string
	for _, server := range config.Servers {
		answer, err := exchangeDNS(ctx, net.JoinHostPort(server, config.Port), name, kind)
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			return nil, ctx.Err()
		case err != nil:
			failures = append(failures, server+": "+err.Error())
		case answer.Rcode == dns.RcodeNameError:
			return nil, fault.New(fault.NotFound, name)
		case answer.Rcode != dns.RcodeSuccess:
			failures = append(failures, server+" answers "+dns.RcodeToString[answer.Rcode])
		default:
			return records(answer), nil
		}
	}
	return nil, fault.Mend(fault.DNS, "no name server gives an answer: "+strings.Join(failures, "; "), "dns")
}

// exchangeDNS asks by UDP, and again by TCP when the answer did not fit.
func exchangeDNS(ctx context.Context, server, name string, kind uint16) (*dns.Msg, error) {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	question.SetEdns0(dns.DefaultMsgSize, false)
	client := &dns.Client{Timeout: dnsTimeout}
	answer, _, err := client.ExchangeContext(ctx, question, server)
	if err == nil && answer.Truncated {
		client.Net = "tcp"
		answer, _, err = client.ExchangeContext(ctx, question, server)
	}
	return answer, err
}

func records(answer *dns.Msg) []record {
	var all []record
	for _, rr := range answer.Answer {
		h := rr.Header()
		all = append(all, record{
			Name: h.Name, TTL: h.Ttl, Type: dns.TypeToString[h.Rrtype],
			Value: strings.TrimPrefix(rr.String(), h.String()),
		})
	}
	return all
}
