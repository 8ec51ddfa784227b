package upgrade

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/update"
)

// Install brings the version of an uploaded update into the free set. It starts
// with the next start of the machine.
func (m *Machine) Install(ctx context.Context, file string) error {
	return m.act("upgrade "+file, func() (string, error) { return m.install(ctx, file) })
}

func (m *Machine) install(ctx context.Context, file string) (string, error) {
	list, err := m.started()
	if err != nil {
		return "", err
	}
	m.phase("checking who signed it", 0)
	f, err := OpenFile(m.Exchange, file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	u, err := update.Open(bufio.NewReaderSize(f, 1<<20), m.Keys)
	if err != nil {
		return "", err
	}
	version := u.Manifest.Version
	if err := m.judge(version, list); err != nil {
		return "", err
	}
	if err := m.unpack(ctx, u); err != nil {
		return "", err
	}
	m.phase("writing version "+version, 80)
	err = m.Write(ctx, version)
	m.clear()
	if err != nil {
		return "", err
	}
	m.Log.Info(fmt.Sprintf("version %s is installed beside version %s", version, m.Version), slog.String("version", version), journal.ID(journal.UpgradeInstalled))
	return fmt.Sprintf("version %s is installed and starts when the node restarts", version), nil
}

// OpenFile opens an update in the exchange folder, where everyone who uploads
// may put anything: no link is followed and no pipe waited on.
func OpenFile(folder, name string) (*os.File, error) {
	if name != filepath.Base(name) || filepath.Ext(name) != update.Suffix {
		return nil, fault.Mend(fault.InvalidName, fmt.Sprintf("%q is not the name of an update", name), "one ends in "+update.Suffix)
	}
	f, err := os.OpenFile(filepath.Join(folder, name), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Mend(fault.NotFound, "there is no update "+name, "upload it by SFTP; upgrade shows those that are there")
	}
	if err != nil {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("%s can not be read: %v", name, err))
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, fault.New(fault.InvalidArgument, name+" is not a file")
	}
	return f, nil
}

// judge says whether a version may be installed: only a later one, since the
// node's data are of this version and an earlier one may not know them.
func (m *Machine) judge(version string, list []image) error {
	if update.Compare(version, m.Version) <= 0 {
		return fault.Mend(fault.Version, fmt.Sprintf("the update is of version %s and this node runs version %s", version, m.Version),
			"upgrade rollback takes back the last upgrade; a later version is taken at any time")
	}
	at := slices.IndexFunc(list, func(i image) bool { return i.version == version })
	switch {
	case at < 0:
		return nil
	case list[at].failed():
		return fault.Mend(fault.Exists, fmt.Sprintf("version %s did not come up here and was undone", version), "upgrade rollback tries it once more")
	case list[at].spent():
		return fault.Mend(fault.Exists, fmt.Sprintf("version %s is installed and was set aside", version), "upgrade rollback takes it again")
	}
	return fault.Mend(fault.Exists, fmt.Sprintf("version %s is installed already", version), "reboot")
}

// unpack puts the parts into the private folder, each of them verified and as
// large as it has to be. What the update leaves out is a hole.
func (m *Machine) unpack(ctx context.Context, u *update.File) error {
	m.clear()
	var all, unpacked int64
	for _, p := range u.Manifest.Parts {
		all += p.Size
	}
	if err := m.room(all); err != nil {
		return err
	}
	for {
		p, content, err := u.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = write(filepath.Join(m.Work, p.Name), p.Extent, &meter{from: content, ctx: ctx, tell: func(n int) {
				unpacked += int64(n)
				m.phase("checking and unpacking version "+u.Manifest.Version, int(80*unpacked/max(all, 1)))
			}})
		}
		if err != nil {
			m.clear()
			return err
		}
	}
}

// room says whether the disk can take so many bytes and is not full then.
func (m *Machine) room(need int64) error {
	const spare = 64 << 20
	var s unix.Statfs_t
	if err := unix.Statfs(m.Work, &s); err != nil {
		return fmt.Errorf("reading how full the disk is: %w", err)
	}
	if free := int64(s.Bavail) * s.Bsize; free < need+spare {
		return fault.Mend(fault.DiskFull, fmt.Sprintf("the update needs %d MiB and the disk has %d MiB left", (need+spare)>>20, free>>20),
			"delete files of the exchange folder by SFTP, or: journalctl --vacuum-size=100M")
	}
	return nil
}

func write(path string, extent int64, content io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("unpacking the update: %w", err)
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, content, make([]byte, 1<<20))
	if err = errors.Join(err, f.Truncate(extent), f.Close()); err != nil {
		return fmt.Errorf("unpacking the update: %w", err)
	}
	return nil
}

// clear empties the private folder.
func (m *Machine) clear() {
	files, err := os.ReadDir(m.Work)
	for _, f := range files {
		err = errors.Join(err, os.RemoveAll(filepath.Join(m.Work, f.Name())))
	}
	if err != nil {
		m.Log.Warn("emptying the folder that updates are unpacked in", "error", err)
	}
}

// meter counts what is read and ends with the context.
type meter struct {
	from io.Reader
	ctx  context.Context
	tell func(n int)
}

func (r *meter) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.from.Read(b)
	r.tell(n)
	return n, err
}
