package exchange

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/pkg/sftp"
)

// uploadMode is the mode of a new file: the folder's group, which the
// certificate service is in, may read it.
const uploadMode = 0o640

// Folder answers the requests of SFTP from one folder.
type Folder struct{ root *os.Root }

var (
	_ sftp.FileReader           = (*Folder)(nil)
	_ sftp.FileWriter           = (*Folder)(nil)
	_ sftp.PosixRenameFileCmder = (*Folder)(nil)
	_ sftp.LstatFileLister      = (*Folder)(nil)
	_ sftp.ReadlinkFileLister   = (*Folder)(nil)
)

// Fileread opens a file for download; a private key is refused.
func (f *Folder) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	if isKeyName(r.Filepath) {
		return nil, errPrivate
	}
	file, err := f.open(r.Filepath, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	if private, err := holdsKey(file); err != nil || private {
		return nil, errors.Join(err, file.Close(), errPrivate)
	}
	return file, nil
}

// Filewrite opens a file for upload. An interrupted one may be resumed: without
// the truncate flag what is there stays, and every write says where it goes.
func (f *Folder) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	flags := os.O_WRONLY
	want := r.Pflags()
	if want.Creat {
		flags |= os.O_CREATE
	}
	if want.Trunc {
		flags |= os.O_TRUNC
	}
	if want.Excl {
		flags |= os.O_EXCL
	}
	return f.open(r.Filepath, flags)
}

// open opens a regular file; O_NONBLOCK keeps a pipe from holding the worker.
func (f *Folder) open(path string, flags int) (*os.File, error) {
	file, err := f.root.OpenFile(inside(path), flags|syscall.O_NONBLOCK, uploadMode)
	if err != nil {
		return nil, status(err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// Filecmd carries out what changes the folder itself.
func (f *Folder) Filecmd(r *sftp.Request) error {
	switch r.Method {
	case "Setstat":
		return f.setstat(r)
	case "Rename":
		if _, err := f.root.Lstat(inside(r.Target)); err == nil {
			return fs.ErrExist
		}
		return f.PosixRename(r)
	case "Remove":
		return f.remove(r.Filepath)
	}
	return errForbidden
}

// PosixRename renames a file and replaces what has the new name. A private key
// stays under a name that can not be fetched.
func (f *Folder) PosixRename(r *sftp.Request) error {
	if isKeyName(r.Filepath) && !isKeyName(r.Target) {
		return errPrivate
	}
	return status(f.root.Rename(inside(r.Filepath), inside(r.Target)))
}

func (f *Folder) remove(path string) error {
	info, err := f.root.Lstat(inside(path))
	if err != nil {
		return status(err)
	}
	if info.IsDir() {
		return errForbidden
	}
	return status(f.root.Remove(inside(path)))
}

// setstat takes a new length and times. Owner and mode are the folder's matter;
// clients send them with every upload, so they are passed over in silence.
func (f *Folder) setstat(r *sftp.Request) error {
	name, flags, attrs := inside(r.Filepath), r.AttrFlags(), r.Attributes()
	if flags.Size {
		file, err := f.open(r.Filepath, os.O_WRONLY)
		if err != nil {
			return err
		}
		if err := errors.Join(file.Truncate(int64(attrs.Size)), file.Close()); err != nil {
			return status(err)
		}
	}
	if flags.Acmodtime {
		return status(f.root.Chtimes(name, attrs.AccessTime(), attrs.ModTime()))
	}
	return nil
}

// inside turns an absolute path of the protocol, which is clean, into one of
// the folder.
func inside(path string) string {
	if rel := strings.TrimPrefix(path, "/"); rel != "" {
		return rel
	}
	return "."
}

// status makes a path that leads out of the folder a file that is not there.
// os.Root has no exported error for it: it is the one failure without an errno.
func status(err error) error {
	var errno syscall.Errno
	if err == nil || errors.As(err, &errno) {
		return err
	}
	return fs.ErrNotExist
}
