package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
)

// partSuffix is what WinSCP adds to the name of a file until it is whole.
const partSuffix = ".filepart"

// identity changes whenever a file is written, renamed over or touched.
type identity struct {
	inode        uint64
	size         int64
	mtime, ctime syscall.Timespec
}

// look remembers since when a file has looked the same.
type look struct {
	id    identity
	since time.Time
}

// upload is one file of the exchange folder at one moment.
type upload struct {
	name     string
	sum      string        // SHA-256 of its bytes, "" when it was not read
	contents *pki.Contents // nil when err is set
	err      error         // why it can not be taken in; a *fault.Error
}

var errMoving = fault.Mend(fault.Incomplete, "the file is still being written", "wait for the upload to end, or upload the file again")

// moving tells errMoving itself from other incomplete files, which errors.Is
// does not: it compares codes.
func moving(err error) bool { return err == error(errMoving) }

// gather reads the exchange folder once. It reports whether a file was too young
// to be judged. Callers hold scanning.
func (s *Store) gather() (uploads []upload, young bool, err error) {
	files, err := os.ReadDir(s.cfg.Exchange)
	if err != nil {
		return nil, false, fmt.Errorf("reading exchange folder: %w", err)
	}
	looks := map[string]look{}
	for _, f := range files {
		if !f.Type().IsRegular() || !ours(f.Name()) { // logs, backups and upgrade images lie here too
			continue
		}
		if u, there := s.judge(f.Name(), looks); there {
			uploads, young = append(uploads, u), young || moving(u.err)
		}
	}
	s.looks = looks
	return uploads, young, nil
}

// ours reports whether the name is meant for the certificate store.
func ours(name string) bool {
	_, ext := pki.Split(strings.TrimSuffix(name, partSuffix))
	return ext != ""
}

// judge looks at one file, and reads it once it has looked the same for the
// settling time. there is false when it has gone meanwhile.
func (s *Store) judge(name string, looks map[string]look) (u upload, there bool) {
	u.name = name
	if strings.HasSuffix(name, partSuffix) {
		u.err = fault.Mend(fault.Incomplete, "the upload has not ended", "wait for it, or upload the file again")
		return u, true
	}
	if u.err = pki.CheckName(name); u.err != nil {
		return u, true
	}
	info, err := os.Lstat(s.outside(name))
	if err != nil {
		return u, false
	}
	l := s.looks[name]
	if id := identityOf(info); l.id != id {
		l = look{id, time.Now()}
	}
	looks[name] = l
	if time.Since(l.since) < s.cfg.Settle {
		u.err = errMoving
		return u, true
	}
	data, err := readRegular(s.outside(name), l.id)
	if err != nil {
		u.err = err
		return u, true
	}
	u.sum = sumOf(data)
	u.contents, u.err = pki.ParseFile(name, data)
	return u, true
}

// unchanged reports whether a file still is what judge saw. Callers hold scanning.
func (s *Store) unchanged(name string) bool {
	info, err := os.Lstat(s.outside(name))
	return err == nil && identityOf(info) == s.looks[name].id
}

// readRegular reads a file that still is want. It follows no symbolic link and
// waits on no pipe.
func readRegular(path string, want identity) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	if want.size > pki.MaxFile {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the file is larger than %d bytes", pki.MaxFile))
	}
	data, err := io.ReadAll(io.LimitReader(f, pki.MaxFile+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || identityOf(info) != want {
		return nil, errMoving
	}
	return data, nil
}

func unreadable(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fault.Mend(fault.InvalidArgument, fmt.Sprintf("the file can not be read (%v)", err), "upload it again")
}

func identityOf(info fs.FileInfo) identity {
	st := info.Sys().(*syscall.Stat_t) // always so on Linux
	return identity{inode: st.Ino, size: st.Size, mtime: st.Mtim, ctime: st.Ctim}
}

// show writes a public file, or a sealed export, into the exchange folder, where
// its group may read, replace and remove it.
func (s *Store) show(name string, data []byte) error {
	if err := atomicfile.Replace(s.outside(name), data, 0o660); err != nil {
		return fmt.Errorf("writing %s to the exchange folder: %w", name, err)
	}
	return nil
}

// hide removes a file from the exchange folder; one that is not there is fine.
func (s *Store) hide(name string) error {
	if err := os.Remove(s.outside(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s from the exchange folder: %w", name, err)
	}
	return nil
}

// readSettled reads one file of the exchange folder that the last gather found
// whole. Callers hold scanning.
func (s *Store) readSettled(name string) ([]byte, error) {
	l, ok := s.looks[name]
	if !ok {
		return nil, notFound(name)
	}
	if time.Since(l.since) < s.cfg.Settle {
		return nil, errMoving
	}
	return readRegular(s.outside(name), l.id)
}
