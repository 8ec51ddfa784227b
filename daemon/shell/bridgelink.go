package shell

import (
	"context"
	"fmt"
	"strings"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

// linkCommands is the Call Bridge this node runs: callbridge …
func linkCommands() []command {
	one := func(name string, kind grammar.Kind) []grammar.Arg { return []grammar.Arg{{Name: name, Kind: kind}} }
	return []command{
		{grammar.Command{
			Words: "callbridge status", Also: []string{"callbridge"}, Shows: true,
			Help: "Show the Call Bridge of this node and its link",
		}, linkStatus},
		{grammar.Command{
			Words: "callbridge name", Role: grammar.Admin, Args: one("name", grammar.CallBridge),
			Help: "Set the unique name of this node's Call Bridge",
			Long: "The name that xmpp callbridge add registers; its address is name.domain, so the name has no dot.",
		}, linkName},
		{grammar.Command{
			Words: "callbridge domain", Role: grammar.Admin, Args: one("domain", grammar.Domain),
			Help: "Set the XMPP domain the Call Bridge signs in at",
		}, linkDomain},
		{grammar.Command{
			Words: "callbridge server", Role: grammar.Admin, Args: one("host", grammar.Host),
			Help: "Name the one server to use instead of those of the SRV records",
			Long: "Host or host:port; without a port it is 5223. With none the servers are found by _xmpp-component._tcp again.",
		}, linkServer},
		{grammar.Command{
			Words: "callbridge secret", Role: grammar.Admin,
			Help: "Set the shared secret of the Call Bridge",
			Long: "Asks for it twice. xmpp callbridge list shows it on the cluster.",
		}, linkSecret},
		{grammar.Command{
			Words: "callbridge trust", Role: grammar.Admin, Args: one("file", grammar.Cert),
			Help: "Set whose certificates the Call Bridge trusts",
			Long: "The file holds the CA of the servers, or their own certificates. With none it is xmpp.bundle, cluster.trust and the\n" +
				"public CAs.",
		}, linkTrust},
		{grammar.Command{
			Words: "callbridge restart", Role: grammar.Admin,
			Help: "Drop the link and look for a server anew",
		}, linkRestart},
	}
}

// none takes a setting back.
func none(arg string) string {
	if strings.EqualFold(arg, "none") {
		return ""
	}
	return arg
}

func linkName(ctx context.Context, s *Shell, c grammar.Call) error {
	name := c.Arg(0)
	if short, _, dotted := strings.Cut(name, "."); dotted {
		return fault.Mend(fault.InvalidName, fmt.Sprintf("%q has a dot; the domain is added to the name by itself", name), "callbridge name "+short)
	}
	return s.setLink(ctx, "callbridge.name", name, "Call Bridge name set to "+name)
}

func linkDomain(ctx context.Context, s *Shell, c grammar.Call) error {
	domain := strings.ToLower(c.Arg(0))
	return s.setLink(ctx, "callbridge.domain", domain, "Call Bridge domain set to "+domain)
}

func linkServer(ctx context.Context, s *Shell, c grammar.Call) error {
	server := none(c.Arg(0))
	if server == "" {
		return s.setLink(ctx, "callbridge.server", "", "Call Bridge finds its servers by SRV records")
	}
	return s.setLink(ctx, "callbridge.server", server, "Call Bridge uses the server "+server)
}

func linkSecret(ctx context.Context, s *Shell, _ grammar.Call) error {
	secret, err := s.newSecret("Enter callbridge secret")
	if err != nil {
		return err
	}
	return s.setLink(ctx, "callbridge.secret", secret, "Call Bridge secret set")
}

func linkTrust(ctx context.Context, s *Shell, c grammar.Call) error {
	file := none(c.Arg(0))
	if file == "" {
		return s.setLink(ctx, "callbridge.trust", "", "Call Bridge trusts xmpp.bundle, cluster.trust and the public CAs")
	}
	if err := s.conn.Certificates().Scan(ctx); err != nil { // it may have been uploaded a moment ago
		return err
	}
	if _, err := s.conn.Certificates().Get(ctx, file); err != nil {
		return err
	}
	return s.setLink(ctx, "callbridge.trust", file, "Call Bridge trusts the certificates in "+file)
}

func linkRestart(ctx context.Context, s *Shell, _ grammar.Call) error {
	if err := s.conn.Bridge().Reconnect(ctx); err != nil {
		return err
	}
	s.success("Call Bridge looks for a server anew")
	return nil
}

// setLink stores a setting of the Call Bridge, which takes it over by itself.
func (s *Shell) setLink(ctx context.Context, key string, value any, done string) error {
	if _, err := s.conn.Config().Set(ctx, map[string]any{key: value}); err != nil {
		return err
	}
	s.success("%s", done)
	return nil
}

func linkStatus(ctx context.Context, s *Shell, c grammar.Call) error {
	status, err := s.conn.Bridge().Status(ctx)
	if absent(err) {
		f := asFault(err)
		values, configErr := s.values(ctx)
		if configErr != nil {
			return err
		}
		status = configuredLink(values)
		status.Code, status.Text, status.Remedy = string(f.Code), f.Message, f.Remedy
	} else if err != nil {
		return err
	}
	return s.show(c, status, linkBlock(status, time.Now()))
}

// configuredLink is the part of the status that the settings tell.
func configuredLink(v map[string]any) bus.CallBridgeStatus {
	text := func(key string) string { t, _ := v["callbridge."+key].(string); return t }
	status := bus.CallBridgeStatus{Name: text("name"), Domain: text("domain"), Pinned: text("server"), State: "not running"}
	if status.Name != "" && status.Domain != "" {
		status.Address = strings.ToLower(status.Name) + "." + status.Domain
	}
	return status
}

func linkBlock(status bus.CallBridgeStatus, now time.Time) string {
	server := status.Pinned
	if server == "" && status.Domain != "" {
		server = "found by SRV records"
	}
	fields := []layout.Field{
		{Label: "Unique name", Value: status.Name},
		{Label: "Domain", Value: status.Domain},
		{Label: "Server address", Value: server},
		{Label: "Address", Value: status.Address},
		{Label: "Link", Value: status.Text},
	}
	for _, f := range []layout.Field{
		{Label: "Remedy", Value: status.Remedy},
		{Label: "Server", Value: status.Server},
		{Label: "Remote address", Value: status.Remote},
		{Label: "TLS", Value: status.TLS},
		{Label: "Next try", Value: status.Retry},
	} {
		if f.Value != "" {
			fields = append(fields, f)
		}
	}
	for _, a := range status.Attempts {
		fields = append(fields, layout.Field{Label: "Tried", Value: a.Server + " (" + fault.Code(a.Code).Title() + "): " + a.Text})
	}
	return layout.StatusBlock(append(fields, layout.Field{Label: "STATUS", Value: "Call Bridge " + status.State + lasting(status.Since, now)}))
}

// lasting says how long a state has been: " for 5 m".
func lasting(since string, now time.Time) string {
	began, err := time.Parse(time.RFC3339, since)
	if err != nil {
		return ""
	}
	return " for " + layout.Span(now.Sub(began))
}
