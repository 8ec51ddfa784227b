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
	err      error         // why it can not be taken in
	moving   bool          // it still changes
}

var errMoving = fault.Mend(fault.Incomplete, "the file is still being written", "wait for the upload to end, or upload the file again")

// gather reads the exchange folder once. It reports whether a file was too young
// to be judged. Callers hold scanning.
func (s *Store) gather() (uploads []upload, young bool, err error) {
	files, err := os.ReadDir(s.cfg.Exchange)
	if err != nil {
		return nil, false, fmt.Errorf("reading exchange folder: %w", err)
	}
	looks := map[string]look{}
	for _, f := range files {
		name := f.Name()
		if !f.Type().IsRegular() || !ours(name) { // logs, backups and upgrade images lie here too
			continue
		}
		u, id := s.pick(name)
		if u.moving {
			l := s.looks[name]
			if l.id != id {
				l = look{id, time.Now()}
			}
			looks[name] = l
			if settled := time.Since(l.since) >= s.cfg.Settle; settled {
				u, id = s.read(name)
				u.moving = u.moving || id != l.id
			}
			if u.moving {
				u.contents, u.err, young = nil, errMoving, true
			}
		}
		uploads = append(uploads, u)
	}
	s.looks = looks
	return uploads, young, nil
}

// ours reports whether the name is meant for the certificate store.
func ours(name string) bool {
	_, ext := pki.Split(strings.TrimSuffix(name, partSuffix))
	return ext != ""
}

// pick looks at a file without reading it: it is moving until gather finds that
// it has looked the same for a while.
func (s *Store) pick(name string) (upload, identity) {
	if strings.HasSuffix(name, partSuffix) {
		return upload{name: name, err: fault.Mend(fault.Incomplete, "the upload has not ended", "wait for it, or upload the file again")}, identity{}
	}
	if err := pki.CheckName(name); err != nil {
		return upload{name: name, err: err}, identity{}
	}
	info, err := os.Lstat(s.outside(name))
	if err != nil {
		return upload{name: name, err: unreadable(err)}, identity{}
	}
	return upload{name: name, moving: true}, identityOf(info)
}

// read reads and parses a file. It follows no symbolic link, waits on no pipe,
// and notices when the file changes meanwhile.
func (s *Store) read(name string) (upload, identity) {
	data, id, err := readRegular(s.outside(name))
	u := upload{name: name}
	if err != nil {
		u.err, u.moving = err, errors.Is(err, errMoving)
		return u, id
	}
	u.sum = sumOf(data)
	u.contents, u.err = pki.ParseFile(name, data)
	return u, id
}

func readRegular(path string) ([]byte, identity, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, identity{}, unreadable(err)
	}
	defer f.Close()
	before, err := f.Stat()
	switch {
	case err != nil:
		return nil, identity{}, unreadable(err)
	case !before.Mode().IsRegular():
		return nil, identity{}, fault.New(fault.InvalidArgument, "it is not a plain file")
	case before.Size() > pki.MaxFile:
		return nil, identityOf(before), fault.New(fault.InvalidArgument, fmt.Sprintf("the file is larger than %d bytes", pki.MaxFile))
	}
	data, err := io.ReadAll(io.LimitReader(f, pki.MaxFile+1))
	if err != nil {
		return nil, identity{}, unreadable(err)
	}
	after, err := f.Stat()
	if err != nil || identityOf(after) != identityOf(before) {
		return nil, identity{}, errMoving
	}
	return data, identityOf(after), nil
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
	if err := replaceFile(s.outside(name), data, 0o660); err != nil {
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
