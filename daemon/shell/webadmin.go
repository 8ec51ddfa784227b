package shell

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/keypair"
	"quorate.org/daemon/netif"
	"quorate.org/daemon/settings"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

const webUnit = "quorate-web.service"

// webAdminCommands is webadmin …
func webAdminCommands() []command {
	return []command{
		{grammar.Command{
			Words: "webadmin status", Also: []string{"webadmin"}, Shows: true,
			Help: "Show Web Admin of this node",
			Long: "The fingerprint is that of the certificate the port presents at this moment; compare it with what the browser shows.",
		}, webStatus},
		{grammar.Command{
			Words: "webadmin listen", Role: grammar.Admin,
			Args: []grammar.Arg{{Name: "interface", Kind: grammar.Letter, Many: true}},
			Help: "Set the interfaces and the port Web Admin listens on",
			Long: "Interfaces are letters, a to d, or addresses of this node, or all; a number behind them is the port.",
		}, webListen},
		{grammar.Command{
			Words: "webadmin certs", Role: grammar.Admin,
			Args: []grammar.Arg{
				{Name: "key", Kind: grammar.Key},
				{Name: "certificate", Kind: grammar.Cert},
				{Name: "bundle", Kind: grammar.Cert, Optional: true},
			},
			Help: "Set the key, the certificate and the bundle of its issuers",
			Long: "Refuses a key that does not match and a certificate that is not valid now.",
		}, webCerts},
		{grammar.Command{
			Words: "webadmin certs none", Role: grammar.Admin,
			Help: "Have Web Admin use a certificate it makes for itself",
		}, webCertsNone},
		{grammar.Command{
			Words: "webadmin enable", Role: grammar.Admin,
			Help: "Open the port of Web Admin",
		}, webEnable},
		{grammar.Command{
			Words: "webadmin disable", Role: grammar.Admin,
			Help: "Close the port of Web Admin and end every sign-in",
		}, webDisable},
		{grammar.Command{
			Words: "webadmin restart", Role: grammar.Admin,
			Help: "Restart Web Admin; everybody signs in again",
		}, webRestart},
	}
}

// webAdmin is what `webadmin` shows.
type webAdmin struct {
	Enabled     bool        `json:"enabled"`
	Running     bool        `json:"running"` // the port answers on every address
	Listen      []string    `json:"listen"`  // as configured; empty means all
	Port        int         `json:"port"`
	Key         string      `json:"key"`
	Certificate string      `json:"certificate"`
	Bundle      string      `json:"bundle"`
	Fingerprint string      `json:"fingerprint"` // SHA-256 of what the port presents; empty when it does not answer
	Faults      []bus.Fault `json:"faults"`
}

func webStatus(ctx context.Context, s *Shell, c grammar.Call) error {
	w, err := s.webAdmin(ctx)
	if err != nil {
		return err
	}
	return s.show(c, w, webBlock(w))
}

// webAdmin reads the settings and looks at the port itself: what answers there
// is what a browser will meet.
func (s *Shell) webAdmin(ctx context.Context) (webAdmin, error) {
	raw, err := s.values(ctx)
	if err != nil {
		return webAdmin{}, err
	}
	v, err := settings.Decode(raw)
	if err != nil {
		return webAdmin{}, err
	}
	w := webAdmin{Enabled: v.Web.Enabled, Listen: v.Web.Listen, Port: v.Web.Port,
		Key: v.Web.Key, Certificate: v.Web.Certificate, Bundle: v.Web.Bundle}
	if !w.Enabled {
		return w, nil
	}
	addresses, err := netif.WebAdmin(v)
	if err != nil {
		w.wrong(asFault(err))
	}
	for _, a := range addresses {
		shown, err := keypair.Presented(ctx, a)
		if err != nil {
			w.wrong(fault.Mend(fault.TCP, fmt.Sprintf("%s does not answer: %v", a, err), "webadmin restart; syslog search webd"))
			continue
		}
		w.Fingerprint = shown
	}
	w.Running = len(addresses) > 0 && len(w.Faults) == 0
	s.compareShown(ctx, &w)
	return w, nil
}

func (w *webAdmin) wrong(f *fault.Error) {
	w.Faults = append(w.Faults, bus.Fault{Code: string(f.Code), Text: f.Message, Remedy: f.Remedy})
}

// compareShown says when the port presents another certificate than the one set.
func (s *Shell) compareShown(ctx context.Context, w *webAdmin) {
	if w.Certificate == "" || w.Fingerprint == "" {
		return
	}
	set, err := s.conn.Certificates().Inspect(ctx, w.Certificate)
	switch {
	case err != nil:
		w.wrong(asFault(err))
	case !strings.EqualFold(set.Fingerprint, w.Fingerprint):
		w.wrong(fault.Mend(fault.WrongState, "the port presents another certificate than "+w.Certificate, "syslog search webd"))
	}
}

func webBlock(w webAdmin) string {
	listen, certificate := strings.Join(w.Listen, " "), w.Certificate
	if listen == "" {
		listen = "all"
	}
	if certificate == "" {
		certificate = "none (made by Web Admin itself)"
	}
	fields := []layout.Field{
		{Label: "Enabled", Value: strconv.FormatBool(w.Enabled)},
		{Label: "TLS listening interface", Value: listen},
		{Label: "TLS listening port", Value: strconv.Itoa(w.Port)},
		{Label: "Key file", Value: w.Key},
		{Label: "Certificate file", Value: certificate},
		{Label: "CA Bundle file", Value: w.Bundle},
		{Label: "SHA-256 fingerprint", Value: w.Fingerprint},
	}
	for _, f := range w.Faults {
		text := f.Text
		if f.Remedy != "" {
			text += "; " + f.Remedy
		}
		fields = append(fields, layout.Field{Label: "Fault", Value: text})
	}
	return layout.StatusBlock(append(fields, layout.Field{Label: "STATUS", Value: webRunning(w)}))
}

func webRunning(w webAdmin) string {
	switch {
	case w.Running:
		return "webadmin running"
	case w.Enabled:
		return "webadmin enabled, not running"
	}
	return "webadmin not running"
}

// webListen takes interfaces and, as the last word, a port.
func webListen(ctx context.Context, s *Shell, c grammar.Call) error {
	words := strings.FieldsFunc(strings.Join(c.Args, ","), func(r rune) bool { return r == ',' })
	values, done := map[string]any{}, ""
	if last := words[len(words)-1]; strings.Trim(last, "0123456789") == "" {
		port, err := parsePort(last)
		if err != nil {
			return err
		}
		values["web.port"], done = int64(port), fmt.Sprintf(" port %d", port)
		words = words[:len(words)-1]
	}
	switch {
	case len(words) == 0:
	case len(words) == 1 && strings.EqualFold(words[0], "all"):
		values["web.listen"], done = []string{}, " all interfaces"+done
	default:
		for i, name := range words {
			if len(name) == 1 {
				words[i] = strings.ToLower(name)
			}
		}
		values["web.listen"], done = words, " "+strings.Join(words, " ")+done
	}
	return s.setWeb(ctx, values, "Web Admin listens on"+done)
}

func webCerts(ctx context.Context, s *Shell, c grammar.Call) error {
	key, cert, bundle := c.Arg(0), c.Arg(1), c.Arg(2)
	warnings, err := s.conn.Certificates().Check(ctx, key, cert, bundle, "")
	if err != nil {
		return err
	}
	for _, w := range warnings {
		s.warning(w, "")
	}
	s.success("Key and certificate pair match")
	return s.setWeb(ctx, webCertificate(key, cert, bundle), "Web Admin certificate set")
}

func webCertificate(key, cert, bundle string) map[string]any {
	return map[string]any{"web.key": key, "web.certificate": cert, "web.bundle": bundle}
}

func webCertsNone(ctx context.Context, s *Shell, _ grammar.Call) error {
	return s.setWeb(ctx, webCertificate("", "", ""), "Web Admin uses a certificate of its own making")
}

func webEnable(ctx context.Context, s *Shell, _ grammar.Call) error {
	return s.setWeb(ctx, map[string]any{"web.enabled": true}, "Web Admin enabled")
}

func webDisable(ctx context.Context, s *Shell, _ grammar.Call) error {
	return s.setWeb(ctx, map[string]any{"web.enabled": false}, "Web Admin disabled")
}

func webRestart(ctx context.Context, s *Shell, _ grammar.Call) error {
	if err := s.conn.Config().UnitAction(ctx, webUnit, "restart"); err != nil {
		return err
	}
	s.success("Web Admin restarted")
	return nil
}

// How long settings may take to come into force, and how often that is looked at.
const (
	webTime = 4 * time.Second
	webLook = 200 * time.Millisecond
)

// setWeb stores settings, waits until Web Admin has taken them over, and warns
// of what is wrong then.
func (s *Shell) setWeb(ctx context.Context, values map[string]any, done string) error {
	if _, err := s.conn.Config().Set(ctx, values); err != nil {
		return err
	}
	w, err := s.settledWeb(ctx)
	if err != nil {
		return err
	}
	for _, f := range w.Faults {
		s.warning(f.Text, f.Remedy)
	}
	s.success("%s", done)
	return nil
}

// settledWeb looks until nothing is wrong or the time is over.
func (s *Shell) settledWeb(ctx context.Context) (webAdmin, error) {
	over := time.NewTimer(webTime)
	defer over.Stop()
	look := time.NewTicker(webLook)
	defer look.Stop()
	for {
		w, err := s.webAdmin(ctx)
		if err != nil || len(w.Faults) == 0 {
			return w, err
		}
		select {
		case <-ctx.Done():
			return w, ctx.Err()
		case <-over.C:
			return w, nil
		case <-look.C:
		}
	}
}
