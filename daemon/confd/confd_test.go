package confd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/confd"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/settings"
)

func TestDefaultsAtFirstStart(t *testing.T) {
	r := newRig(t)
	values, err := r.Values(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := settings.Decode(values)
	if err != nil || v.Generation != 1 || v.XMPP.ClientPort != 5222 {
		t.Errorf("%v, %+v", err, v)
	}
	if value, source := r.shown("xmpp.client_port"); value != "5222" || source != "default" {
		t.Errorf("%s from %s", value, source)
	}
	if text, err := r.ReadFile(t.Context()); err != nil || text != settings.DefaultFile() {
		t.Errorf("the file to begin with: %v\n%s", err, text)
	}
}

func TestFileIsAllItTakes(t *testing.T) {
	r := newRig(t)
	r.edit("quorate.toml", "[xmpp]\nenabled = true\ndomain = \"meet.example\"\nlisten = [\"a\"]\n\n[[xmpp.callbridge]]\nname = \"cb1\"\nsecret = \"hunter2\"\n")
	ticks, err := r.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	generation, err := r.Reload(t.Context())
	if err != nil || generation != 2 {
		t.Fatalf("generation %d, %v", generation, err)
	}
	<-ticks
	if p, err := r.Properties(t.Context()); err != nil || p.Generation != 2 {
		t.Errorf("property: %v, %+v", err, p)
	}
	if r.value("xmpp.enabled") != true || r.value("xmpp.domain") != "meet.example" {
		t.Error("the file is not in force")
	}
	if value, source := r.shown("xmpp.listen"); value != `["a"]` || source != "quorate.toml:4" {
		t.Errorf("%s from %s", value, source)
	}
	if value, _ := r.shown("xmpp.callbridge"); strings.Contains(value, "hunter2") {
		t.Errorf("a secret is shown: %s", value)
	}
	if strings.Contains(r.log.String(), "hunter2") || !strings.Contains(r.log.String(), `xmpp.domain from`) {
		t.Errorf("journal:\n%s", r.log)
	}
	if again, err := r.Reload(t.Context()); err != nil || again != 2 {
		t.Errorf("an unchanged file: generation %d, %v", again, err)
	}
}

func TestBadEditIsRefusedAndLastGoodStays(t *testing.T) {
	r := newRig(t)
	r.edit("quorate.toml", "[xmpp]\ndomain = \"meet.example\"\n")
	if _, err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.edit("quorate.toml", "[xmpp]\ndomain = \"other.example\"\nclient_port = \"5222\"\nlissen = [\"a\"]\n")
	_, err := r.Reload(t.Context())
	want := error(fault.Mend(fault.InvalidConfiguration,
		"quorate.toml:3: xmpp.client_port: must be a whole number, not the text \"5222\"\nquorate.toml:4: xmpp.lissen: unknown key; did you mean xmpp.listen?",
		"mend the file, then systemctl reload quorate-config"))
	if diff := cmp.Diff(want, err); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(r.log.String(), "quorate.toml:4: xmpp.lissen: unknown key") {
		t.Errorf("journal:\n%s", r.log)
	}
	if got := r.value("xmpp.domain"); got != "meet.example" {
		t.Errorf("in force: %v", got)
	}
	if got := r.service.Hangup(); got != "configuration generation 2 stays: the files were refused" {
		t.Errorf("SIGHUP: %s", got)
	}
	refusal := func() string {
		t.Helper()
		p, err := r.Properties(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p.Refused
	}
	if got := refusal(); !strings.Contains(got, "quorate.toml:4: xmpp.lissen: unknown key") {
		t.Errorf("the property Refused is %q", got)
	}
	// A command is refused too, and says which hand edit is in the way.
	if _, err := r.Set(t.Context(), map[string]any{"xmpp.enabled": true}); fault.CodeOf(err) != fault.InvalidConfiguration || !strings.Contains(err.Error(), "quorate.toml:4") {
		t.Errorf("Set over a bad edit: %v", err)
	}
	// And it survives a reboot.
	r.restart()
	if r.value("xmpp.domain") != "meet.example" || r.value("generation") != uint64(2) {
		t.Errorf("after a restart: %v, generation %v", r.value("xmpp.domain"), r.value("generation"))
	}
	if refusal() == "" {
		t.Error("after a restart the refusal is forgotten")
	}
	r.edit("quorate.toml", "[xmpp]\ndomain = \"other.example\"\n")
	if got := r.service.Hangup(); got != "configuration generation 3 in force" || r.value("xmpp.domain") != "other.example" {
		t.Errorf("mended: %s", got)
	}
	r.edit("quorate.toml", "[xmpp]\ndomain = 5\n")
	r.service.Hangup()
	broken := refusal()
	r.edit("quorate.toml", "[xmpp]\ndomain = \"other.example\"\n")
	r.service.Hangup() // back to what is in force: no new generation, and no refusal any more
	if broken == "" || refusal() != "" {
		t.Errorf("refused %q, then mended %q", broken, refusal())
	}
}

func TestSetAndUnset(t *testing.T) {
	r := newRig(t)
	const hand = "# mine\n[xmpp]\nclient_port = 6000\n"
	r.edit("quorate.toml", hand)
	generation, err := r.Set(t.Context(), map[string]any{"xmpp.client_port": "6001", "xmpp.listen": "a,10.0.0.1", "xmpp.enabled": true, "xmpp.outbox": 2097152})
	if err != nil || generation != 2 {
		t.Fatalf("generation %d, %v", generation, err)
	}
	if diff := cmp.Diff([]any{int64(6001), []string{"a", "10.0.0.1"}, true, int64(2097152)},
		[]any{r.value("xmpp.client_port"), r.value("xmpp.listen"), r.value("xmpp.enabled"), r.value("xmpp.outbox")}); diff != "" {
		t.Error(diff)
	}
	if _, source := r.shown("xmpp.client_port"); !strings.HasPrefix(source, "conf.d/90-quorate.toml:") {
		t.Errorf("source %s", source)
	}
	if r.text("quorate.toml") != hand {
		t.Errorf("the person's file was rewritten:\n%s", r.text("quorate.toml"))
	}
	if again, err := r.Set(t.Context(), map[string]any{"xmpp.enabled": true}); err != nil || again != 2 {
		t.Errorf("the same again: generation %d, %v", again, err)
	}
	if _, err := r.Unset(t.Context(), []string{"xmpp.client_port", "xmpp.key"}); err != nil {
		t.Fatal(err)
	}
	if value, source := r.shown("xmpp.client_port"); value != "6000" || source != "quorate.toml:3" {
		t.Errorf("%s from %s", value, source)
	}
}

func TestRefusedSetsChangeNothing(t *testing.T) {
	r := newRig(t)
	r.edit("conf.d/95-late.toml", "[xmpp]\nmax_depth = 100\n")
	if _, err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		values map[string]any
		code   fault.Code
		text   string
	}{
		{map[string]any{"xmpp.enabeld": true}, fault.InvalidArgument, "did you mean xmpp.enabled?"},
		{map[string]any{"xmpp.enabled": "perhaps", "xmpp.client_port": 0}, fault.InvalidArgument, "xmpp.client_port: 0 is not between 1 and 65535\nxmpp.enabled: must be true or false"},
		{map[string]any{"xmpp.enabled": true, "xmpp.client_port": 5223}, fault.InvalidConfiguration, "port 5223 is that of xmpp.client_port too"},
		{map[string]any{"xmpp.max_depth": 50}, fault.InvalidConfiguration, "conf.d/95-late.toml:2: xmpp.max_depth comes later and sets it too"},
	} {
		if _, err := r.Set(t.Context(), tt.values); fault.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%v: %v", tt.values, err)
		}
	}
	if _, err := r.Unset(t.Context(), []string{"xmpp.enabeld"}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("Unset: %v", err)
	}
	if r.text("conf.d/90-quorate.toml") != "" || r.value("generation") != uint64(2) || r.value("xmpp.enabled") != false {
		t.Error("a refused change left something behind")
	}
	// What a later file sets to the same value is no conflict.
	if _, err := r.Set(t.Context(), map[string]any{"xmpp.max_depth": 100}); err != nil {
		t.Error(err)
	}
}

func TestWriteFile(t *testing.T) {
	r := newRig(t)
	const good = "# by the editor\n[xmpp]\nmax_depth = 80\n"
	if generation, err := r.WriteFile(t.Context(), good); err != nil || generation != 2 {
		t.Fatalf("generation %d, %v", generation, err)
	}
	if _, err := r.WriteFile(t.Context(), "[xmpp]\nmax_depth = 1\n"); fault.CodeOf(err) != fault.InvalidConfiguration || !strings.Contains(err.Error(), "quorate.toml:2: xmpp.max_depth") {
		t.Errorf("a bad file: %v", err)
	}
	if text, err := r.ReadFile(t.Context()); err != nil || text != good || r.value("xmpp.max_depth") != int64(80) {
		t.Errorf("%v, %q", err, text)
	}
	if _, err := r.WriteFile(t.Context(), strings.Repeat("#", 2<<20)); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("an endless file: %v", err)
	}
}

func TestDamagedStateIsNoObstacle(t *testing.T) {
	r := newRig(t)
	r.edit("quorate.toml", "[xmpp]\nmax_depth = 80\n")
	if err := os.WriteFile(filepath.Join(r.state, "last-good.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.restart()
	if r.value("xmpp.max_depth") != int64(80) || !strings.Contains(r.log.String(), "the last good configuration is of no use") {
		t.Errorf("journal:\n%s", r.log)
	}
}

func TestEveryValueSurvivesARestart(t *testing.T) {
	r := newRig(t)
	r.edit("quorate.toml", "[xmpp]\nlisten = [\"a\", \"b\"]\nmax_stanza = \"512KiB\"\nauth_timeout = \"1m\"\n[[xmpp.callbridge]]\nname = \"cb1\"\nsecret = \"s\"\n")
	if _, err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := r.Values(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.edit("quorate.toml", "broken")
	r.restart()
	after, err := r.Values(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}

func TestUnreadableStateFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	_, err := confd.Open(confd.Config{Dir: r.dir, State: filepath.Join(dir, "file"), Machine: r.machine, Log: quiet})
	if err == nil {
		t.Error("a state folder that can not be written went unnoticed")
	}
}

func TestMachineRequests(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	for _, err := range []error{r.UnitAction(ctx, "quorate-xmpp", "restart"), r.UnitAction(ctx, "ssh.service", "reload"), r.Power(ctx, "reboot"), r.SetHostname(ctx, "cb1.meet.example")} {
		if err != nil {
			t.Error(err)
		}
	}
	for _, err := range []error{r.UnitAction(ctx, "../x", "start"), r.UnitAction(ctx, "a b.service", "start"), r.SetHostname(ctx, "Not_A_Host"), r.SetHostname(ctx, ""), r.SetHostname(ctx, strings.Repeat("a.", 40)+"a")} {
		if fault.CodeOf(err) != fault.InvalidName {
			t.Errorf("got %v", err)
		}
	}
	if diff := cmp.Diff([]string{"restart quorate-xmpp.service", "reload ssh.service", "reboot", "hostname cb1.meet.example"}, r.machine.asks()); diff != "" {
		t.Error(diff)
	}
	if units, err := r.Units(ctx); err != nil || len(units) != 1 || units[0].Active != "active" {
		t.Errorf("%v, %+v", err, units)
	}
	if name, err := r.Hostname(ctx); err != nil || name != "cb1" {
		t.Errorf("%v, %s", err, name)
	}
	if !strings.Contains(r.log.String(), `Power act=\"reboot\"`) {
		t.Errorf("journal:\n%s", r.log)
	}
}
