package confd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/backup"
	"quorate.org/daemon/bus"
	"quorate.org/daemon/confd"
	"quorate.org/daemon/fault"
)

const passphrase = "correct horse"

// fakeKeeper is another service, small enough to see through.
type fakeKeeper struct {
	mu    sync.Mutex // guards what follows
	parts string     // what it keeps
	keeps string     // a part it does not take back here
	fails error      // of every Restore that changes something
	leave error      // of a Reset without force
	did   []string   // in order
}

// set changes it; told returns what it was told.
func (f *fakeKeeper) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeKeeper) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.did)
}

func (f *fakeKeeper) Save(context.Context) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []byte(f.parts), nil
}

func (f *fakeKeeper) Restore(_ context.Context, data []byte, apply bool) (steps []bus.Step, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	for _, name := range backup.Parts {
		if _, ok := fields[name]; ok {
			steps = append(steps, bus.Step{Name: name, OK: name != f.keeps, Text: "told"})
		}
	}
	if apply && f.fails != nil {
		return nil, f.fails
	}
	if apply {
		f.did = append(f.did, "restore "+string(data))
		f.parts = string(data)
	}
	return steps, nil
}

func (f *fakeKeeper) Clear(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.did = append(f.did, "clear")
	return nil
}

func (f *fakeKeeper) Reset(_ context.Context, force bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.leave != nil && !force {
		return f.leave
	}
	f.did = append(f.did, "reset")
	return nil
}

func (f *fakeKeeper) Applied(context.Context, uint64) ([]bus.Step, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.did = append(f.did, "applied")
	return nil, nil
}

// configured is a rig with two files, one of them with a secret.
func configured(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.edit("quorate.toml", "# mine\n[xmpp]\nmax_depth = 80\n[[xmpp.callbridge]]\nname = \"cb1\"\nsecret = \"hunter2hunter2hunter2\"\n")
	r.edit("conf.d/10-first.toml", "[xmpp]\nlisten = [\"a\"]\n")
	if _, err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) snapshot(name string) []byte {
	r.t.Helper()
	file, err := r.BackupSnapshot(r.t.Context(), name, passphrase)
	if err != nil || file != name+".quorate-backup" {
		r.t.Fatalf("%s, %v", file, err)
	}
	data, err := os.ReadFile(filepath.Join(r.exchange, file))
	if err != nil {
		r.t.Fatal(err)
	}
	return data
}

func (r *rig) files() (names []string) {
	r.t.Helper()
	list, err := os.ReadDir(r.exchange)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range list {
		names = append(names, f.Name())
	}
	return names
}

func (r *rig) wantFault(what string, err error, code fault.Code, text string) {
	r.t.Helper()
	if err == nil || fault.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		r.t.Errorf("%s: got %s %v, want %s …%s…", what, fault.CodeOf(err), err, code, text)
	}
}

func TestSnapshotAndRollback(t *testing.T) {
	r := configured(t)
	before := r.text("quorate.toml")
	data := r.snapshot("monday")
	if bytes.Contains(data, []byte("hunter2")) || strings.Contains(r.log.String(), passphrase) {
		t.Error("a secret is shown")
	}
	if info, err := os.Stat(filepath.Join(r.exchange, "monday.quorate-backup")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	_, err := r.BackupSnapshot(t.Context(), "monday", passphrase)
	r.wantFault("the same name", err, fault.Exists, "already")

	r.edit("quorate.toml", "[xmpp]\nmax_depth = 90\n")
	r.edit("conf.d/20-later.toml", "[xmpp]\nmax_attributes = 99\n")
	if _, err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.certs.set(func() { r.certs.parts = `{"certificates":["new"]}` })
	steps, err := r.BackupRollback(t.Context(), "monday", passphrase, nil, false)
	if err != nil || len(steps) != 5 || !strings.Contains(steps[0].Text, "of cb2") || !strings.Contains(steps[2].Text, "xmpp.max_depth from 90 to 80") || strings.Contains(steps[2].Text, "hunter2") {
		t.Errorf("preview: %+v, %v", steps, err)
	}
	if r.value("xmpp.max_depth") != int64(90) || len(r.certs.told())+len(r.xmpp.told()) > 0 {
		t.Error("the preview changed something")
	}
	if _, err := r.BackupRollback(t.Context(), "monday.quorate-backup", passphrase, nil, true); err != nil {
		t.Fatal(err)
	}
	if r.value("xmpp.max_depth") != int64(80) || r.text("quorate.toml") != before || r.text("conf.d/20-later.toml") != "" || r.text("conf.d/10-first.toml") == "" {
		t.Errorf("the settings are %v:\n%s", r.value("xmpp.max_depth"), r.text("quorate.toml"))
	}
	if diff := cmp.Diff([]string{`restore {"certificates":["old"]}`}, r.certs.told()); diff != "" {
		t.Error(diff)
	}
	if len(r.xmpp.told()) != 1 || !strings.Contains(r.xmpp.told()[0], `"node_id":"aa"`) || !strings.Contains(r.xmpp.told()[0], `"state":{"s":1}`) {
		t.Errorf("XMPP was given %v", r.xmpp.told())
	}
	if diff := cmp.Diff([]string{"monday.quorate-backup"}, r.files()); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"made the backup monday.quorate-backup", "restored certificates, settings, state, identity from the backup monday.quorate-backup of cb2"} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the journal does not say %q", want)
		}
	}
	r.restart()
	if r.value("xmpp.max_depth") != int64(80) {
		t.Error("a restart undoes it")
	}
}

func TestRollbackOfParts(t *testing.T) {
	r := configured(t)
	r.snapshot("monday")
	r.edit("quorate.toml", "[xmpp]\nmax_depth = 90\n")
	if _, err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.xmpp.set(func() { r.xmpp.keeps = "state" })
	if _, err := r.BackupRollback(t.Context(), "monday", passphrase, []string{"identity", "certificates"}, true); err != nil {
		t.Fatal(err)
	}
	if r.value("xmpp.max_depth") != int64(90) || len(r.certs.told()) != 1 || len(r.xmpp.told()) != 1 || strings.Contains(r.xmpp.told()[0], `"state"`) {
		t.Errorf("depth %v, %v, %v", r.value("xmpp.max_depth"), r.certs.told(), r.xmpp.told())
	}
	_, err := r.BackupRollback(t.Context(), "monday", passphrase, []string{"state"}, true)
	r.wantFault("state by name", err, fault.WrongState, "told")
	// Of all parts, the one that can not be is left out and told.
	r.xmpp.set(func() { r.xmpp.did = nil })
	steps, err := r.BackupRollback(t.Context(), "monday", passphrase, nil, true)
	if err != nil || len(steps) != 5 || len(r.xmpp.told()) != 1 || strings.Contains(r.xmpp.told()[0], `"state"`) {
		t.Errorf("%+v, %v, %v", steps, err, r.xmpp.told())
	}
}

// Nothing is half-restored: a service that fails at last has the others put back.
func TestRollbackIsUndone(t *testing.T) {
	r := configured(t)
	r.snapshot("monday")
	r.edit("quorate.toml", "[xmpp]\nmax_depth = 90\n")
	if _, err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.certs.set(func() { r.certs.parts = `{"certificates":["new"]}` })
	full := fault.Mend(fault.DiskFull, "no space left", "df")
	r.xmpp.set(func() { r.xmpp.fails = full })
	_, err := r.BackupRollback(t.Context(), "monday", passphrase, nil, true)
	r.wantFault("the last service fails", err, fault.DiskFull, "the rollback was undone: no space left")
	if r.value("xmpp.max_depth") != int64(90) || len(r.certs.told()) != 2 || r.certs.told()[1] != `restore {"certificates":["new"]}` {
		t.Errorf("depth %v, certificates %v", r.value("xmpp.max_depth"), r.certs.told())
	}
	r.certs.set(func() { r.certs.fails = full })
	_, err = r.BackupRollback(t.Context(), "monday", passphrase, nil, true)
	r.wantFault("the first service fails", err, fault.DiskFull, "undone")
	if diff := cmp.Diff([]string{"monday.quorate-backup"}, r.files()); diff != "" {
		t.Error(diff)
	}
}

func TestRollbackRefusals(t *testing.T) {
	r := configured(t)
	data := r.snapshot("monday")
	put := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(r.exchange, name), data, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	put("torn.quorate-backup", data[:len(data)-1])
	bad, err := backup.Seal(backup.Facts{Host: "cb9"}, map[string][]byte{
		backup.Settings: []byte(`{"quorate.toml":"W3htcHBdCm1heF9kZXB0aCA9IDEK"}`), backup.Certificates: []byte(`[]`)}, passphrase, 10) // max_depth = 1
	if err != nil {
		t.Fatal(err)
	}
	put("bad.quorate-backup", bad)
	escape, err := backup.Seal(backup.Facts{}, map[string][]byte{backup.Settings: []byte(`{"conf.d/../../x.toml":""}`)}, passphrase, 10)
	if err != nil {
		t.Fatal(err)
	}
	put("escape.quorate-backup", escape)
	if err := os.Symlink("/etc/shadow", filepath.Join(r.exchange, "link.quorate-backup")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, passphrase string
		code             fault.Code
		text             string
	}{
		{"monday", "wrong horse", fault.WrongSecret, "does not open"},
		{"torn", passphrase, fault.Incomplete, "damaged"},
		{"nothing", passphrase, fault.NotFound, "there is no backup"},
		{"../monday", passphrase, fault.InvalidName, "not a name"},
		{"link", passphrase, fault.InvalidArgument, "can not be read"},
		{"bad", passphrase, fault.InvalidConfiguration, "xmpp.max_depth"},
		{"escape", passphrase, fault.Incomplete, "x.toml"},
	} {
		_, err := r.BackupRollback(t.Context(), tt.name, tt.passphrase, nil, true)
		r.wantFault(tt.name, err, tt.code, tt.text)
	}
	if len(r.certs.told())+len(r.xmpp.told()) > 0 || r.value("xmpp.max_depth") != int64(80) {
		t.Errorf("something was changed: %v %v", r.certs.told(), r.xmpp.told())
	}
	if strings.Contains(r.log.String(), "horse") {
		t.Error("the journal shows a passphrase")
	}
	list, err := r.Backups(t.Context())
	if err != nil || len(list) != 4 || list[2].File != "monday.quorate-backup" || list[2].Host != "cb2" || list[2].Problem != "" ||
		list[3].File != "torn.quorate-backup" || !strings.Contains(list[3].Problem, "damaged") {
		t.Errorf("%+v, %v", list, err)
	}
	_, err = r.BackupSnapshot(t.Context(), "short", "short")
	r.wantFault("a short passphrase", err, fault.InvalidArgument, "shorter than 8")
}

// A power failure while the files are replaced: the next start finishes it.
func TestReplacingIsFinishedAtStart(t *testing.T) {
	r := configured(t)
	pending := `{"settings":{"quorate.toml":"W3htcHBdCm1heF9kZXB0aCA9IDcwCg=="}}` // max_depth = 70
	if err := os.WriteFile(filepath.Join(r.state, "restore.json"), []byte(pending), 0o600); err != nil {
		t.Fatal(err)
	}
	r.restart()
	if r.value("xmpp.max_depth") != int64(70) || r.text("conf.d/10-first.toml") != "" {
		t.Errorf("depth %v", r.value("xmpp.max_depth"))
	}
	if _, err := os.Stat(filepath.Join(r.state, "restore.json")); !os.IsNotExist(err) {
		t.Error("it is not done with")
	}
}

func TestFactoryReset(t *testing.T) {
	r := configured(t)
	r.xmpp.set(func() {
		r.xmpp.leave = fault.Mend(fault.WrongState, "this node can not leave its cluster: no quorum", "xmpp reset --force")
	})
	_, err := r.FactoryReset(t.Context(), "app", false)
	r.wantFault("a member that can not leave", err, fault.WrongState, "factory_reset app --force")
	if r.value("xmpp.max_depth") != int64(80) || len(r.certs.told()) > 0 {
		t.Error("something was changed")
	}
	_, err = r.FactoryReset(t.Context(), "everything", true)
	r.wantFault("another scope", err, fault.InvalidArgument, "everything")
	steps, err := r.FactoryReset(t.Context(), "app", true)
	if err != nil || len(steps) != 4 {
		t.Fatalf("%+v, %v", steps, err)
	}
	if diff := cmp.Diff([]string{"reset", "applied", "reset"}, r.xmpp.told()); diff != "" {
		t.Error(diff)
	}
	if !cmp.Equal(r.certs.told(), []string{"clear"}) || !cmp.Equal(r.machine.asks(), []string{"forget quorate-web.service"}) || r.value("xmpp.max_depth") == int64(80) {
		t.Errorf("%v, %v, depth %v", r.certs.told(), r.machine.asks(), r.value("xmpp.max_depth"))
	}
	for _, dir := range []string{r.dir, r.state} {
		wantNowhere(t, dir, "hunter2")
	}
	if !strings.Contains(r.log.String(), "reset this node to factory settings") {
		t.Error("the journal does not tell")
	}
}

// Accounts, host keys and the journal go at the next start, before anything runs.
func TestFullFactoryReset(t *testing.T) {
	r := configured(t)
	steps, err := r.FactoryReset(t.Context(), "full", false)
	if err != nil || len(steps) != 5 {
		t.Fatalf("%+v, %v", steps, err)
	}
	if diff := cmp.Diff([]string{"forget quorate-web.service", "start quorate-erase.service"}, r.machine.asks()); diff != "" {
		t.Error(diff)
	}
	wantNowhere(t, r.dir, "hunter2")
}

func wantNowhere(t *testing.T, dir, secret string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s holds a secret", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var (
	_ confd.Keeper = (*bus.Certificates)(nil)
	_ confd.Keeper = (*bus.Xmpp)(nil)
)

// Web Admin sends a backup as it lies there, and removes it; both by name only.
func TestBackupFetchAndRemove(t *testing.T) {
	r := configured(t)
	ctx := t.Context()
	if _, err := r.BackupSnapshot(ctx, "monday", passphrase); err != nil {
		t.Fatal(err)
	}
	lies, err := os.ReadFile(filepath.Join(r.exchange, "monday.quorate-backup"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.BackupFetch(ctx, "monday"); err != nil || !bytes.Equal(got, lies) {
		t.Errorf("%d bytes of %d came, %v", len(got), len(lies), err)
	}
	for _, name := range []string{"../quorate", "/etc/passwd", "tuesday", ""} {
		if _, err := r.BackupFetch(ctx, name); err == nil {
			t.Errorf("%q was fetched", name)
		}
		if err := r.BackupRemove(ctx, name); err == nil {
			t.Errorf("%q was removed", name)
		}
	}
	if err := r.BackupRemove(ctx, "monday.quorate-backup"); err != nil {
		t.Error(err)
	}
	if list, err := r.Backups(ctx); err != nil || len(list) > 0 {
		t.Errorf("still there: %+v, %v", list, err)
	}
	for _, want := range []string{"fetched the backup monday", "removed the backup monday"} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the journal does not tell of %q", want)
		}
	}
}

// Whoever is shown the key of the disk is journaled, and the key is not.
func TestRecoveryKey(t *testing.T) {
	r := newRig(t)
	if _, err := r.RecoveryKey(t.Context()); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a disk that is not encrypted: %v", err)
	}
	if err := os.WriteFile(r.unlocked(), []byte("tpm\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.RecoveryKey(t.Context()); fault.CodeOf(err) != fault.UnitFailed || !strings.Contains(err.Error(), "systemctl restart quorate-diskkey") {
		t.Errorf("an encrypted disk without a recovery key: %v", err)
	}
	const key = "cbdefghi-jklnrtuv"
	if err := os.WriteFile(r.recovery(), []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := r.RecoveryKey(t.Context()); got != key || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if log := r.log.String(); !strings.Contains(log, "was shown the recovery key") || strings.Contains(log, key) {
		t.Errorf("the journal:\n%s", log)
	}
}
