package confd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// The zone is the system's own, the layout is stored before it is loaded, and
// neither a name nor a path gets by.
func TestTimezoneAndKeyboard(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	if err := os.MkdirAll(filepath.Join(r.keymaps, "qwertz"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"qwertz/de.kmap.gz", "secret.kmap.gz"} {
		if err := os.WriteFile(filepath.Join(r.keymaps, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if layout, err := r.Keyboard(ctx); err != nil || layout != "us" {
		t.Errorf("at first the layout is %q, %v", layout, err)
	}
	for _, err := range []error{r.SetTimezone(ctx, "Europe/Vienna"), r.SetKeyboard(ctx, "de")} {
		if err != nil {
			t.Error(err)
		}
	}
	for _, err := range []error{r.SetTimezone(ctx, "../../etc/shadow"), r.SetTimezone(ctx, ""), r.SetKeyboard(ctx, "d*"), r.SetKeyboard(ctx, "../secret"),
		r.SetKeyboard(ctx, ""), r.SetKeyboard(ctx, "klingon")} {
		if code := fault.CodeOf(err); code != fault.NotFound && code != fault.InvalidName {
			t.Errorf("not refused: %v", err)
		}
	}
	if got, want := strings.Join(r.machine.asks(), ", "), "zone Europe/Vienna, restart quorate-keyboard.service"; got != want {
		t.Errorf("the machine was asked for %q, want %q", got, want)
	}
	text, err := os.ReadFile(filepath.Join(r.dir, "keyboard"))
	if layout, asked := r.Keyboard(ctx); err != nil || asked != nil || layout != "de" || string(text) != "KEYMAP=de\n" {
		t.Errorf("stored %q, %v; the layout is %q, %v", text, err, layout, asked)
	}
}

// Who is elsewhere and no administrator does not change what is typed at the
// machine.
func TestKeyboardIsNotForAll(t *testing.T) {
	r := newRig(t)
	if err := os.MkdirAll(filepath.Join(r.keymaps, "qwertz"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.keymaps, "qwertz/de.kmap.gz"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for who, want := range map[bus.Caller]fault.Code{
		{User: "bob", Role: bus.Operator}:             fault.NotPermitted,
		{User: "quorate-web", Role: bus.Service}:      fault.NotPermitted,
		{User: "quorate-console", Role: bus.Operator}: "",
		{User: "alice", Role: bus.Admin}:              "",
	} {
		if err := r.service.SetKeyboard(t.Context(), who, "de"); fault.CodeOf(err) != want && (want != "" || err != nil) {
			t.Errorf("%s: %v", who, err)
		}
	}
}

func TestBanner(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	file := filepath.Join(r.dir, "pre_login_warning.txt")
	if err := r.SetBanner(ctx, "Keep out.\nThis is ours."); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if shown, asked := r.Banner(ctx); err != nil || asked != nil || string(text) != "Keep out.\nThis is ours.\n" || shown != string(text) {
		t.Errorf("stored %q, %v; shown %q, %v", text, err, shown, asked)
	}
	for _, wrong := range []string{"\x1b[2J", strings.Repeat("x", 5000)} {
		if err := r.SetBanner(ctx, wrong); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("%.10q: %v", wrong, err)
		}
	}
	for range 2 {
		if err := r.SetBanner(ctx, ""); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the banner is still there")
	}
}
