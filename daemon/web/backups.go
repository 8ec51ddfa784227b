package web

import (
	"context"
	"strings"
	"sync"

	"quorate.org/daemon/backup"
	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// backupsPage makes backups of this node and restores them.
func backupsPage() page {
	return page{path: "/backups", title: "Backups", menu: "Backups", view: viewBackups, act: deeds{
		"make":    makeBackup,
		"preview": previewBackup,
		"restore": restoreBackup,
		"delete":  meant(deleteBackup),
	}.act}
}

// backupQuestions come before what can not be undone.
var backupQuestions = map[string]question{
	"delete": {Text: "The file is deleted from this node. Nothing else is changed.", Button: "Delete the backup", Field: "file"},
}

// backups is what the page shows.
type backups struct {
	List answer[[]bus.Backup]
	Ask  *question
}

// Whole are the files that can be restored.
func (b *backups) Whole() []string {
	var names []string
	for _, f := range b.List.Value {
		if f.Problem == "" {
			names = append(names, f.File)
		}
	}
	return names
}

// Parts are what can be restored by itself.
func (b *backups) Parts() []string { return backup.Parts }

func viewBackups(ctx context.Context, v *visit) (any, error) {
	conn := v.session.bus
	if file := v.request.URL.Query().Get("download"); file != "" {
		if !v.changes() {
			return nil, fault.New(fault.NotPermitted, "a backup is for administrators")
		}
		content, err := conn.Config().BackupFetch(ctx, file)
		if err != nil {
			return nil, err
		}
		return &download{name: file, kind: "application/octet-stream", content: content}, nil
	}
	b := &backups{Ask: v.asked(backupQuestions)}
	var wg sync.WaitGroup
	ask(ctx, &wg, &b.List, conn.Config().Backups)
	wg.Wait()
	return b, nil
}

func makeBackup(ctx context.Context, v *visit) (string, error) {
	name := v.required("name", "give the backup a name")
	passphrase := v.newSecret("passphrase", "confirm-passphrase")
	if err := v.refusal(); err != nil {
		return "", err
	}
	file, err := v.session.bus.Config().BackupSnapshot(ctx, name, passphrase)
	if err != nil {
		return "", v.about("name", err)
	}
	return file + " is ready: download it, keep it elsewhere, and delete it here", nil
}

// previewBackup says what restoring would change, and changes nothing.
func previewBackup(ctx context.Context, v *visit) (string, error) {
	steps, err := v.rollBack(ctx, false)
	if err != nil {
		return "", err
	}
	return "nothing was changed; restoring " + v.text("backup") + " would mean:\n" + told(steps), nil
}

func restoreBackup(ctx context.Context, v *visit) (string, error) {
	if v.form.Get("sure") == "" {
		v.blame("sure", "tick that this node is to be changed; the preview says how")
		return "", v.refusal()
	}
	steps, err := v.rollBack(ctx, true)
	if err != nil {
		return "", err
	}
	return v.text("backup") + " is restored:\n" + told(steps), nil
}

// rollBack asks for a rollback as the form says, or with apply false for what it
// would change.
func (v *visit) rollBack(ctx context.Context, apply bool) ([]bus.Step, error) {
	file := v.required("backup", "choose the backup; upload it by SFTP first")
	if v.form.Get("rollback-passphrase") == "" {
		v.blame("rollback-passphrase", "give the passphrase it was made with")
	}
	if err := v.refusal(); err != nil {
		return nil, err
	}
	steps, err := v.session.bus.Config().BackupRollback(ctx, file, v.form.Get("rollback-passphrase"), v.form["part"], apply)
	if err != nil {
		return nil, v.about("rollback-passphrase", err)
	}
	return steps, nil
}

// told is a line for each part.
func told(steps []bus.Step) string {
	var lines []string
	for _, s := range steps {
		line := s.Name + ": " + s.Text
		if !s.OK {
			line = s.Name + " is not restored: " + s.Text
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func deleteBackup(ctx context.Context, v *visit) (string, error) {
	file := v.text("file")
	if err := v.session.bus.Config().BackupRemove(ctx, file); err != nil {
		return "", err
	}
	return file + " deleted", nil
}
