package confd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/keymap"
	"quorate.org/daemon/timezone"
)

// SetTimezone sets the time zone.
func (s *Service) SetTimezone(ctx context.Context, _ bus.Caller, zone string) error {
	if !timezone.IsName(zone) {
		return fault.Mend(fault.InvalidName, fmt.Sprintf("%q is not the name of a time zone", zone), "timezone list")
	}
	return s.Machine.SetTimezone(ctx, zone)
}

// Timezone returns the name of the time zone.
func (s *Service) Timezone(ctx context.Context) (string, error) { return s.Machine.Timezone(ctx) }

// keyboardFile says which layout quorate-keyboard.service loads.
const keyboardFile, keyboardUnit = "keyboard", "quorate-keyboard.service"

// consoleUser reads and changes nothing, this layout excepted.
const consoleUser = "quorate-console"

// SetKeyboard stores the layout of the keyboard and has it loaded, for who sits
// there or is an administrator: another's is a way to have passwords mistyped.
func (s *Service) SetKeyboard(ctx context.Context, who bus.Caller, layout string) error {
	if who.Role < bus.Admin && who.User != consoleUser {
		return fault.Mend(fault.NotPermitted, "the keyboard's layout is for administrators and the console", "press K at the console, or join the group quorate-admin")
	}
	if !keymap.Has(s.Keymaps, layout) {
		return fault.Mend(fault.NotFound, fmt.Sprintf("there is no keyboard layout %q", layout), "use a name such as us, uk, de, fr, es or it; all: keyboard list")
	}
	if err := atomicfile.Replace(filepath.Join(s.Dir, keyboardFile), []byte("KEYMAP="+layout+"\n"), 0o644); err != nil {
		return fmt.Errorf("storing the keyboard layout: %w", err)
	}
	s.Log.InfoContext(ctx, fmt.Sprintf("%s set the keyboard layout to %s", who, layout), "user", who.User, journal.ID(journal.ChangeMade))
	return s.Machine.UnitAction(ctx, keyboardUnit, "restart")
}

// Keyboard returns the layout of the keyboard; the kernel's own is us.
func (s *Service) Keyboard(context.Context) (string, error) {
	text, err := read(filepath.Join(s.Dir, keyboardFile))
	if layout, given := strings.CutPrefix(strings.TrimSpace(text), "KEYMAP="); given {
		return layout, err
	}
	return "us", err
}

// bannerFile is sshd's Banner, which it reads at each connection.
const bannerFile = "pre_login_warning.txt"

// longestBanner bounds it, bytes.
const longestBanner = 4 << 10

// SetBanner stores what SSH shows before anybody signs in.
func (s *Service) SetBanner(_ context.Context, _ bus.Caller, text string) error {
	unfit := func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }
	path := filepath.Join(s.Dir, bannerFile)
	switch {
	case text == "":
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the banner: %w", err)
		}
		return nil
	case len(text) > longestBanner:
		return fault.New(fault.InvalidArgument, fmt.Sprintf("the banner is longer than %d bytes", longestBanner))
	case strings.ContainsFunc(text, unfit):
		return fault.Mend(fault.InvalidArgument, "the banner has a character that does not print", "use letters, digits, blanks and signs")
	}
	if err := atomicfile.Replace(path, []byte(strings.TrimRight(text, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("storing the banner: %w", err)
	}
	return nil
}

// Banner returns what SSH shows before anybody signs in.
func (s *Service) Banner(context.Context) (string, error) {
	return read(filepath.Join(s.Dir, bannerFile))
}

// read returns the text of a file; empty when there is none.
func read(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading %s: %w", filepath.Base(path), err)
	}
	return string(text), nil
}
