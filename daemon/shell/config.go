package shell

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/change"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

func configCommands() []command {
	key := grammar.Arg{Name: "key", Kind: grammar.Setting}
	return []command{
		{grammar.Command{
			Words: "config show", Also: []string{"config"}, Shows: true,
			Args: []grammar.Arg{{Name: "key", Kind: grammar.Setting, Optional: true}},
			Help: "Show each effective setting and the file it comes from",
			Long: "With a key, describes that one; with the beginning of several, lists those.",
		}, configShow},
		{grammar.Command{
			Words: "config set", Role: grammar.Admin,
			Args: []grammar.Arg{key, {Name: "value", Many: true}},
			Help: "Set a setting",
			Long: "Goes to a file of the service's own; what a person wrote in quorate.toml is not touched. A list takes several\n" +
				"values.",
		}, configSet},
		{grammar.Command{
			Words: "config unset", Role: grammar.Admin,
			Args: []grammar.Arg{{Name: "key", Kind: grammar.Setting, Many: true}},
			Help: "Take back what config set or another command has set",
		}, configUnset},
		{grammar.Command{
			Words: "config edit", Role: grammar.Admin,
			Help: "Edit quorate.toml",
			Long: "Opens the file in $EDITOR, nano or vi. It is checked when it is saved; one that is refused can be edited again,\n" +
				"and the last good configuration stays.",
		}, configEdit},
		{grammar.Command{
			Words: "config reload", Role: grammar.Admin,
			Help: "Read the configuration files again",
		}, configReload},
	}
}

func configShow(ctx context.Context, s *Shell, c grammar.Call) error {
	settings, err := s.conn.Config().Settings(ctx)
	if err != nil {
		return err
	}
	key := strings.ToLower(c.Arg(0))
	if i := indexSetting(settings, key); i >= 0 {
		return s.show(c, settings[i], layout.Setting(settings[i]))
	}
	settings = slices.DeleteFunc(settings, func(x bus.Setting) bool { return !strings.HasPrefix(x.Key, key) })
	if len(settings) == 0 && key != "" {
		return noSetting(key)
	}
	return s.show(c, settings, layout.Settings(settings))
}

func indexSetting(settings []bus.Setting, key string) int {
	return slices.IndexFunc(settings, func(x bus.Setting) bool { return x.Key == key })
}

func noSetting(key string) error {
	return fault.Mend(fault.NotFound, fmt.Sprintf("there is no setting %q", key), "config show")
}

func configSet(ctx context.Context, s *Shell, c grammar.Call) error {
	settings, err := s.conn.Config().Settings(ctx)
	if err != nil {
		return err
	}
	key := strings.ToLower(c.Arg(0))
	i := indexSetting(settings, key)
	if i < 0 {
		return noSetting(key)
	}
	value, err := settingValue(settings[i], c.Args[1:])
	if err != nil {
		return err
	}
	if err := s.set(ctx, map[string]any{key: value}, fmt.Sprintf("%s set to %s", key, strings.Join(c.Args[1:], " "))); err != nil {
		return err
	}
	if settings[i].Scope == "cluster" {
		s.drift(ctx)
	}
	return nil
}

// drift warns when the files, as they are now, differ from the store: a cluster
// setting that was just set has no effect then.
func (s *Shell) drift(ctx context.Context) {
	status, err := s.status(ctx)
	if err != nil {
		return
	}
	for _, f := range status.Faults {
		if f.Code == string(fault.Drift) {
			s.warning(f.Text, f.Remedy)
		}
	}
}

// settingValue gives the service a list for a list; any other value goes as it
// was typed, since only the service knows its form.
func settingValue(setting bus.Setting, words []string) (any, error) {
	if setting.Type == "list" || setting.Type == "interfaces" {
		words = strings.FieldsFunc(strings.Join(words, ","), func(r rune) bool { return r == ',' })
		return words, nil
	}
	if len(words) > 1 {
		return nil, fault.Mend(fault.InvalidArgument, setting.Key+" takes one value", "quote a value with spaces")
	}
	return words[0], nil
}

func configUnset(ctx context.Context, s *Shell, c grammar.Call) error {
	return s.unset(ctx, c.Args, strings.Join(c.Args, ", ")+" unset")
}

func configReload(ctx context.Context, s *Shell, _ grammar.Call) error {
	known := change.Look(ctx, s.conn)
	generation, err := s.conn.Config().Reload(ctx)
	if err != nil {
		return err
	}
	return s.applied(ctx, generation, known, "configuration read")
}
