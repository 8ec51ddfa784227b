package shell

import (
	"context"
	"strings"
	"time"

	"quorate.org/daemon/shell/grammar"
)

// offerTime is how long completion waits for a service.
const offerTime = 500 * time.Millisecond

// units are the services completion offers for systemctl and syslog.
var units = []string{"quorate-config", "quorate-xmpp", "quorate-cert", "quorate-callbridge", "quorate-web"}

// complete extends a line for the console.
func (s *Shell) complete(line string) (string, []string) {
	c := s.tree.Complete(line, s.offer)
	return c.Line, c.Candidates
}

// offer asks the services for what an argument may be. A service that does
// not answer in time offers nothing: completion never fails.
func (s *Shell) offer(kind grammar.Kind) []string {
	if kind == grammar.Unit {
		return units
	}
	if s.dial() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), offerTime)
	defer cancel()
	switch kind {
	case grammar.File, grammar.Key, grammar.Cert:
		return s.fileNames(ctx, kind)
	case grammar.CallBridge:
		bridges, _ := s.conn.Xmpp().CallBridges(ctx)
		return names(bridges, func(i int) string { return bridges[i].Name })
	case grammar.User:
		users, _ := s.conn.Xmpp().Users(ctx)
		return names(users, func(i int) string { return users[i].Name })
	case grammar.Node, grammar.Host:
		status, _ := s.conn.Xmpp().ClusterStatus(ctx)
		return names(status.Peers, func(i int) string { return status.Peers[i].Name })
	case grammar.Domain:
		status, _ := s.conn.Xmpp().Status(ctx)
		return strings.Fields(status.Domain)
	case grammar.Setting:
		settings, _ := s.conn.Config().Settings(ctx)
		return names(settings, func(i int) string { return settings[i].Key })
	}
	return nil
}

func names[T any](rows []T, name func(int) string) []string {
	all := make([]string, len(rows))
	for i := range rows {
		all[i] = name(i)
	}
	return all
}

func (s *Shell) fileNames(ctx context.Context, kind grammar.Kind) []string {
	files, _ := s.conn.Certificates().List(ctx)
	var all []string
	for _, f := range files {
		isKey := f.Kind == "key"
		if kind == grammar.File || isKey == (kind == grammar.Key) {
			all = append(all, f.File)
		}
	}
	return all
}
