package shell

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"quorate.org/daemon/resolve"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

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

func dnsServers(_ context.Context, s *Shell, c grammar.Call) error {
	servers, err := s.resolver.Servers()
	if err != nil {
		return err
	}
	value := map[string][]string{"servers": servers.Addresses, "search": servers.Search}
	return s.show(c, value, layout.StatusBlock([]layout.Field{
		{Label: "Name servers", Value: strings.Join(servers.Addresses, " ")},
		{Label: "Search domains", Value: strings.Join(servers.Search, " ")},
	}))
}

func dnsLookup(ctx context.Context, s *Shell, c grammar.Call) error {
	names, err := s.resolver.Candidates(c.Arg(1))
	if err != nil {
		return err
	}
	for _, name := range names {
		records, err := s.resolver.Lookup(ctx, name, strings.ToUpper(c.Arg(0)))
		if err == nil {
			return s.show(c, records, recordTable(records))
		}
		if !errors.Is(err, resolve.ErrNoName) {
			return err
		}
	}
	return resolve.NoName(c.Arg(1)) // as it was typed, not as it was searched
}

func recordTable(records []resolve.Record) string {
	rows := make([][]string, len(records))
	for i, r := range records {
		rows[i] = []string{r.Name, strconv.FormatUint(uint64(r.TTL), 10), r.Type, r.Value}
	}
	return layout.Table([]string{"NAME", "TTL", "TYPE", "VALUE"}, rows)
}
