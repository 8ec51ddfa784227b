package shell

import (
	"context"
	"slices"

	"quorate.org/daemon/bus"
	look "quorate.org/daemon/health"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

func healthCommands() []command {
	return []command{
		{grammar.Command{
			Words: "health", Shows: true,
			Flags: []grammar.Flag{{Name: "all", Help: "list every condition that is looked for, and whether it is met"}},
			Help:  "Look for everything that is wrong with this node",
			Long: "Services, configuration files, cluster, certificates, Call Bridge, clock, disk and memory. What stops something is a\n" +
				"failure, what may is a warning; each says what mends it. Exits with 1 when anything is told.",
		}, health},
		{grammar.Command{
			Words: "status", Shows: true,
			Help: "Show the state of this node",
		}, status},
		{grammar.Command{
			Words: "version", Shows: true,
			Help: "Show the versions of the software",
		}, version},
	}
}

func health(ctx context.Context, s *Shell, c grammar.Call) error {
	faults := s.faults(ctx)
	var err error
	switch all := conditions(faults); {
	case c.Flags["all"] && c.Flags[grammar.JSON]:
		err = s.json(all)
	case c.Flags[grammar.JSON]:
		err = s.json(faults)
	case c.Flags["all"]:
		s.say(conditionTable(all) + "\n")
		s.tellFaults(faults)
	default:
		s.tellFaults(faults)
	}
	if err == nil && len(faults) > 0 {
		return errSaid
	}
	return err
}

// tellFaults says each fault, as loud as it is bad.
func (s *Shell) tellFaults(faults []bus.Fault) {
	for _, f := range faults {
		if look.Of(f.Code).Severity == look.Warning {
			s.warning(f.Text, f.Remedy)
		} else {
			s.failure(f.Text, f.Remedy)
		}
	}
	if len(faults) == 0 {
		s.success("no faults")
	}
}

// faults collects what is wrong, also when the bus does not answer.
func (s *Shell) faults(ctx context.Context) []bus.Fault {
	if err := s.dial(); err != nil {
		return look.Without(err)
	}
	return look.Look(ctx, s.conn)
}

// condition is one line of `health --all`.
type condition struct {
	look.Condition
	OK    bool        `json:"ok"`
	Found []bus.Fault `json:"found"`
}

// conditions lists every registered condition with what was found of it, and
// behind them what a service told that no condition is registered for.
func conditions(faults []bus.Fault) []condition {
	known := look.Conditions()
	for _, f := range faults {
		c := look.Of(f.Code)
		if !slices.ContainsFunc(known, func(k look.Condition) bool { return k.Code == c.Code }) {
			known = append(known, c)
		}
	}
	all := make([]condition, len(known))
	for i, k := range known {
		all[i].Condition = k
		for _, f := range faults {
			if f.Code == string(k.Code) {
				all[i].Found = append(all[i].Found, f)
			}
		}
		all[i].OK = len(all[i].Found) == 0
	}
	return all
}

func conditionTable(all []condition) string {
	rows := make([][]string, len(all))
	for i, c := range all {
		state := "OK"
		if !c.OK {
			state = string(c.Severity)
		}
		rows[i] = []string{state, c.Title, c.Means, c.Remedy}
	}
	return layout.Table([]string{"STATE", "CONDITION", "MEANING", "REMEDY"}, rows)
}
