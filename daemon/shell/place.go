package shell

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/keymap"
	"quorate.org/daemon/shell/grammar"
)

// zoneTable is where the system keeps time zones.
const zoneTable = "/usr/share/zoneinfo/tzdata.zi"

func timezone(ctx context.Context, s *Shell, c grammar.Call) error {
	if c.Arg(0) == "" {
		zone, err := s.conn.Config().Timezone(ctx)
		if err != nil {
			return err
		}
		return s.show(c, map[string]string{"timezone": zone}, zone+"\n")
	}
	if err := s.conn.Config().SetTimezone(ctx, c.Arg(0)); err != nil {
		return err
	}
	s.success("time zone set to %s", c.Arg(0))
	return nil
}

func zoneList(_ context.Context, s *Shell, c grammar.Call) error {
	zones, err := zonesOf(zoneTable)
	if err != nil {
		return fault.New(fault.NotFound, fmt.Sprintf("this system has no time zones: %v", err))
	}
	return s.show(c, zones, strings.Join(zones, "\n")+"\n")
}

// zonesOf reads the names of zones and links from the table (zic(8)): a zone is
// "Z NAME …", a link is "L TARGET NAME".
func zonesOf(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var zones []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) > 1 && fields[0] == "Z":
			zones = append(zones, fields[1])
		case len(fields) > 2 && fields[0] == "L":
			zones = append(zones, fields[2])
		}
	}
	zones = slices.DeleteFunc(zones, func(z string) bool { // in the table, but old names have no file
		_, err := os.Stat(filepath.Join(filepath.Dir(path), z))
		return err != nil
	})
	slices.Sort(zones)
	return zones, lines.Err()
}

func keyboard(ctx context.Context, s *Shell, c grammar.Call) error {
	if c.Arg(0) == "" {
		layout, err := s.conn.Config().Keyboard(ctx)
		if err != nil {
			return err
		}
		return s.show(c, map[string]string{"keyboard": layout}, layout+"\n")
	}
	if err := s.conn.Config().SetKeyboard(ctx, c.Arg(0)); err != nil {
		return err
	}
	s.success("keyboard layout set to %s", c.Arg(0))
	return nil
}

func keyboardList(_ context.Context, s *Shell, c grammar.Call) error {
	names := keymap.Names(keymap.Dir)
	if len(names) == 0 {
		return fault.New(fault.NotFound, "this system has no layouts of keyboards")
	}
	return s.show(c, names, strings.Join(names, "\n")+"\n")
}

func banner(ctx context.Context, s *Shell, c grammar.Call) error {
	text, err := s.conn.Config().Banner(ctx)
	if err != nil {
		return err
	}
	if text == "" && !c.Flags[grammar.JSON] {
		s.say("no banner is set\n")
		return nil
	}
	return s.show(c, map[string]string{"banner": text}, text)
}

func bannerSet(ctx context.Context, s *Shell, c grammar.Call) error {
	if err := s.conn.Config().SetBanner(ctx, strings.Join(c.Args, "\n")); err != nil {
		return err
	}
	s.success("banner set")
	return nil
}

func bannerDel(ctx context.Context, s *Shell, _ grammar.Call) error {
	if err := s.conn.Config().SetBanner(ctx, ""); err != nil {
		return err
	}
	s.success("banner removed")
	return nil
}
