package bus

import (
	"context"
	"fmt"
	"log/slog"
	"sort"
	"strings"

	"github.com/godbus/dbus/v5"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// Change is one journaled call, after it was answered.
type Change struct {
	Caller    Caller
	Interface string
	Method    string
	Args      string // "name=cb1 secret=…"; secret arguments never show
	Err       error  // nil when it was done
}

// LogTo returns an audit hook that writes one line per change: who, from where,
// what, and how it ended.
func LogTo(log *slog.Logger) func(Change) {
	return func(c Change) {
		what := c.Method
		if c.Args != "" {
			what += " " + c.Args
		}
		attrs := []slog.Attr{
			slog.String("caller", c.Caller.User), slog.Uint64("caller_uid", uint64(c.Caller.UID)),
			slog.Uint64("caller_pid", uint64(c.Caller.PID)), slog.String("caller_from", c.Caller.From),
			slog.String("interface", c.Interface), slog.String("method", c.Method),
		}
		if c.Err != nil {
			attrs = append(attrs, slog.String("fault", string(fault.CodeOf(c.Err))), journal.ID(journal.ChangeRefused))
			log.LogAttrs(context.Background(), slog.LevelWarn, fmt.Sprintf("%s: %s refused: %v", c.Caller, what, c.Err), attrs...)
			return
		}
		log.LogAttrs(context.Background(), slog.LevelInfo, fmt.Sprintf("%s: %s", c.Caller, what), append(attrs, journal.ID(journal.ChangeMade))...)
	}
}

// describe renders the arguments of a call for the journal.
func describe(r methodRule, body []any) string {
	parts := make([]string, 0, len(body))
	for i, v := range body {
		text := "…"
		if !r.secret[i] {
			text = plain(v)
		}
		parts = append(parts, r.args[i]+"="+text)
	}
	return strings.Join(parts, " ")
}

// plain renders one value; of a map only the keys, whose values may be secret.
func plain(v any) string {
	m, ok := v.(map[string]dbus.Variant)
	if !ok {
		return fmt.Sprintf("%q", fmt.Sprint(v))
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return fmt.Sprintf("%q", strings.Join(keys, ","))
}
