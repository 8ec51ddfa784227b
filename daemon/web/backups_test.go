package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"quorate.org/daemon/bus"
)

// fakeKept is a service that keeps one part in backups.
type fakeKept struct{ part string }

func (f *fakeKept) Save(context.Context) ([]byte, error) {
	return json.Marshal(map[string]any{f.part: map[string]string{"host": "cb1", "node_id": "aa", "version": "0.1.0"}})
}

func (f *fakeKept) Restore(context.Context, []byte, bool) ([]bus.Step, error) {
	return []bus.Step{{Name: f.part, OK: f.part != "identity", Text: "it is told what changes"}}, nil
}

func (f *fakeKept) Clear(context.Context) error                         { return nil }
func (f *fakeKept) Reset(context.Context, bool) error                   { return nil }
func (f *fakeKept) Applied(context.Context, uint64) ([]bus.Step, error) { return nil, nil }

const (
	backupsPath = "/backups"
	sealedWith  = "a passphrase to keep"
)

// A backup is made, seen, fetched, looked into, restored and deleted; its
// passphrase stands in no page.
func TestBackups(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	says(t, b.get(backupsPath).body, "There is none.")
	made := url.Values{"action": {"make"}, "name": {"monday"}, "passphrase": {sealedWith}, "confirm-passphrase": {sealedWith}}
	want(t, b.post(backupsPath, made), http.StatusSeeOther)
	page := b.get(backupsPath).body
	says(t, page, "monday.quorate-backup is ready", "cb1 (0.1.0)", "whole", "?download=monday.quorate-backup")
	hides(t, page, sealedWith)
	want(t, b.post(backupsPath, made), http.StatusUnprocessableEntity, "there is a file monday.quorate-backup already")

	got := b.get(backupsPath + "?download=monday.quorate-backup")
	want(t, got, http.StatusOK, `{"quorate_backup":1`)
	if kind := got.header.Get("Content-Disposition"); kind != "attachment; filename=monday.quorate-backup" {
		t.Errorf("it is sent as %q", kind)
	}

	restore := url.Values{"action": {"preview"}, "backup": {"monday.quorate-backup"}, "rollback-passphrase": {sealedWith}}
	want(t, b.post(backupsPath, restore), http.StatusSeeOther)
	says(t, b.get(backupsPath).body, "nothing was changed", "certificates: it is told what changes", "identity is not restored")
	restore.Set("action", "restore")
	want(t, b.post(backupsPath, restore), http.StatusUnprocessableEntity, "tick that this node is to be changed")
	restore.Set("sure", "yes")
	want(t, b.post(backupsPath, restore), http.StatusSeeOther)
	says(t, b.get(backupsPath).body, "monday.quorate-backup is restored")
	restore.Set("rollback-passphrase", "another passphrase")
	want(t, b.post(backupsPath, restore), http.StatusUnprocessableEntity, "the passphrase does not open the backup")

	want(t, b.post(backupsPath, url.Values{"action": {"delete"}, "file": {"monday.quorate-backup"}}), http.StatusUnprocessableEntity, "this was not confirmed")
	says(t, b.get(backupsPath+"?ask=delete&file=monday.quorate-backup").body, "Delete the backup")
	want(t, b.post(backupsPath, url.Values{"action": {"delete"}, "sure": {"yes"}, "file": {"monday.quorate-backup"}}), http.StatusSeeOther)
	says(t, b.get(backupsPath).body, "monday.quorate-backup deleted", "There is none.")
}

// An operator sees that there are backups, and gets none of them.
func TestBackupsOfOperators(t *testing.T) {
	d := newDesk(t)
	admin := d.signedIn("admin")
	want(t, admin.post(backupsPath, url.Values{"action": {"make"}, "name": {"monday"}, "passphrase": {sealedWith}, "confirm-passphrase": {sealedWith}}), http.StatusSeeOther)
	b := d.signedIn("operator")
	page := b.get(backupsPath).body
	says(t, page, "monday.quorate-backup")
	hides(t, page, "?download=", "?ask=delete")
	if got := b.get(backupsPath + "?download=monday.quorate-backup"); got.code != http.StatusForbidden {
		t.Errorf("an operator fetched a backup: %d", got.code)
	}
	for name, form := range map[string]url.Values{
		"short":  {"action": {"make"}, "name": {"tuesday"}, "passphrase": {"short"}, "confirm-passphrase": {"short"}},
		"differ": {"action": {"make"}, "name": {"tuesday"}, "passphrase": {sealedWith}, "confirm-passphrase": {"other" + sealedWith}},
		"name":   {"action": {"make"}, "name": {"../tuesday"}, "passphrase": {sealedWith}, "confirm-passphrase": {sealedWith}},
	} {
		if got := admin.post(backupsPath, form); got.code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.code)
		}
	}
}
