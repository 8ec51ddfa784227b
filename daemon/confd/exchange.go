package confd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/backup"
	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// Backups lists the backups in the exchange folder, by name.
func (s *Service) Backups(context.Context) ([]bus.Backup, error) {
	files, err := os.ReadDir(s.Exchange)
	if err != nil {
		return nil, fmt.Errorf("reading exchange folder: %w", err)
	}
	list := []bus.Backup{}
	for _, f := range files {
		if name := f.Name(); strings.HasSuffix(name, backup.Suffix) && !strings.HasPrefix(name, ".") && f.Type().IsRegular() {
			list = append(list, s.describe(name))
		}
	}
	return list, nil
}

func (s *Service) describe(name string) bus.Backup {
	b := bus.Backup{File: name}
	data, err := readFile(s.Exchange, name)
	b.Size = int64(len(data))
	var f backup.Facts
	if err == nil {
		f, err = backup.Peek(data)
	}
	if err != nil {
		b.Problem = reason(err)
		return b
	}
	b.Host, b.NodeID, b.Cluster, b.Version, b.Created = f.Host, f.NodeID, f.Cluster, f.Version, f.Created.UTC().Format(time.RFC3339)
	return b
}

// BackupFetch returns a backup for Web Admin to send, sealed as it is.
func (s *Service) BackupFetch(_ context.Context, who bus.Caller, name string) ([]byte, error) {
	name, err := backup.FileOf(name)
	if err != nil {
		return nil, err
	}
	data, err := readFile(s.Exchange, name)
	if err != nil {
		return nil, err
	}
	s.Log.Warn(who.String()+" fetched the backup "+name, slog.String("file", name), slog.String("caller", who.User), slog.String("caller_from", who.From), journal.ID(journal.BackupFetched))
	return data, nil
}

// BackupRemove removes a backup from the exchange folder.
func (s *Service) BackupRemove(_ context.Context, who bus.Caller, name string) error {
	name, err := backup.FileOf(name)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(s.Exchange, name)); err != nil {
		return fault.Mend(fault.NotFound, "there is no backup "+name, "backup list shows those that are there")
	}
	if err := removeFile(s.Exchange, name); err != nil {
		return err
	}
	s.Log.Info(who.String()+" removed the backup "+name, slog.String("file", name), slog.String("caller", who.User), slog.String("caller_from", who.From))
	return nil
}

// readFile reads a backup of the exchange folder, where everyone who uploads
// may put anything: no link is followed and no pipe waited on.
func readFile(dir, name string) ([]byte, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Mend(fault.NotFound, "there is no backup "+name, "upload it by SFTP; backup list shows those that are there")
	}
	if err != nil {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("%s can not be read: %v", name, err))
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > backup.Limit {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("%s is not a file of at most %d bytes", name, backup.Limit))
	}
	data, err := io.ReadAll(io.LimitReader(f, backup.Limit))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return data, nil
}

// newFile puts a file into the exchange folder that the group may fetch. It is
// there whole, or not at all, and replaces nothing.
func newFile(dir, name string, data []byte) error {
	_, err := atomicfile.Create(filepath.Join(dir, name), 0o640, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if errors.Is(err, fs.ErrExist) {
		return fault.Mend(fault.Exists, "there is a file "+name+" already", "choose another name, or delete it by SFTP")
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

func removeFile(dir, name string) error {
	if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	return nil
}
