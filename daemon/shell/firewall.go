package shell

import (
	"context"
	"strconv"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

// firewallCommands is firewall …
func firewallCommands() []command {
	return []command{
		{grammar.Command{
			Words: "firewall status", Also: []string{"firewall"}, Shows: true,
			Help: "Show which ports are open, and why",
			Long: "Everything that is not in the list is dropped. A port follows the setting beside it and the switch of its service;\n" +
				"one that is closed refuses. The address is where the service listens. Rules of your own, in nft's language, go\n" +
				"into files in /etc/quorate/firewall.d whose names end in .nft; systemctl reload quorate-firewall takes them over.",
		}, firewallStatus},
	}
}

// firewallView is what `firewall` shows.
type firewallView struct {
	State  string         `json:"state"`
	Text   string         `json:"text"`
	Ports  []bus.OpenPort `json:"ports"`
	Faults []bus.Fault    `json:"faults"`
}

func firewallStatus(ctx context.Context, s *Shell, c grammar.Call) error {
	p, err := s.conn.Firewall().Properties(ctx)
	if err != nil {
		return err
	}
	ports, err := s.conn.Firewall().Ports(ctx)
	if err != nil {
		return err
	}
	v := firewallView{State: p.State, Text: p.Text, Ports: ports}
	if p.Code != "" {
		v.Faults = []bus.Fault{{Code: p.Code, Text: p.Text, Remedy: p.Remedy}}
	}
	return s.show(c, v, portTable(ports)+firewallBlock(v))
}

func portTable(ports []bus.OpenPort) string {
	rows := make([][]string, len(ports))
	for i, p := range ports {
		state, where, setting := "closed", strings.Join(p.Listen, " "), p.Setting
		if p.Open {
			state = "open"
		}
		if where == "" {
			where = "all"
		}
		if setting == "" {
			setting = "always"
		}
		rows[i] = []string{strconv.Itoa(p.Port), p.Protocol, state, p.Service, where, setting}
	}
	return layout.Table([]string{"PORT", "PROTOCOL", "STATE", "SERVICE", "LISTENS ON", "BY"}, rows)
}

func firewallBlock(v firewallView) string {
	var fields []layout.Field
	for _, f := range v.Faults {
		text := f.Text
		if f.Remedy != "" {
			text += "; " + f.Remedy
		}
		fields = append(fields, layout.Field{Label: "Fault", Value: text})
	}
	return layout.StatusBlock(append(fields, layout.Field{Label: "STATUS", Value: "firewall " + v.State}))
}
