package shell

import (
	"context"
	"strconv"
	"strings"

	"quorate.org/daemon/dnscheck"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

func dnsCheckCommands() []command {
	return []command{{grammar.Command{
		Words: "dns check", Shows: true,
		Args: []grammar.Arg{{Name: "domain", Kind: grammar.Domain, Optional: true}},
		Help: "Check the DNS records of the XMPP domain",
		Long: "Asks every name server for the records of the domain, connects to each port they lead to, and prints the records\n" +
			"needed, those found, what is wrong, and the lines that mend it in the form of a zone file. Without a domain it is\n" +
			"that of the XMPP server, or on a node with only a Call Bridge, that of the Call Bridge. Exits with 1 when anything is wrong.",
	}, dnsCheck}}
}

func dnsCheck(ctx context.Context, s *Shell, c grammar.Call) error {
	typed := ""
	if len(c.Args) > 0 {
		typed = c.Args[0]
	}
	facts, err := s.domainFacts(ctx, typed)
	if err != nil {
		return err
	}
	if err := s.askNameServers(ctx, &facts); err != nil {
		return err
	}
	probe(ctx, &facts)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	report := dnscheck.Judge(facts)
	if c.Flags[grammar.JSON] {
		err = s.json(report)
	} else {
		s.tellReport(report)
	}
	if err == nil && !report.OK {
		return errSaid
	}
	return err
}

// findingsHead is the heading of what was found: what only could be better is
// not wrong.
func findingsHead(r dnscheck.Report) string {
	if r.OK && len(r.Findings) > 0 {
		return "ADVICE"
	}
	return "WRONG"
}

// tellReport prints the records needed and found, what is wrong, and the cure.
func (s *Shell) tellReport(r dnscheck.Report) {
	s.say("NEEDED\n" + neededTable(r.Needed) + "\nFOUND\n" + foundTable(r.Found) + "\n" + findingsHead(r) + "\n")
	for _, f := range r.Findings {
		if f.Hint {
			s.warning(f.Text, f.Remedy)
		} else {
			s.failure(f.Text, f.Remedy)
		}
	}
	if len(r.Findings) == 0 {
		s.say("none\n")
	}
	if len(r.Zone) > 0 {
		s.say("\nZone lines:\n" + strings.Join(r.Zone, "\n") + "\n")
	}
	if r.OK {
		s.success("the DNS records of %s are right", r.Domain)
	}
}

func neededTable(lines []dnscheck.Line) string {
	rows := make([][]string, len(lines))
	for i, l := range lines {
		rows[i] = []string{string(l.State), l.Name + ".", l.Type, l.Value}
	}
	return layout.Table([]string{"STATE", "NAME", "TYPE", "VALUE"}, rows)
}

func foundTable(lines []dnscheck.Line) string {
	rows := make([][]string, len(lines))
	for i, l := range lines {
		rows[i] = []string{string(l.State), l.Name + ".", strconv.FormatUint(uint64(l.TTL), 10), l.Type, l.Value}
	}
	return layout.Table([]string{"STATE", "NAME", "TTL", "TYPE", "VALUE"}, rows)
}
