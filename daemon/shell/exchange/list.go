package exchange

import (
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/pkg/sftp"
)

// listing is a fixed list of files.
type listing []fs.FileInfo

// ListAt copies the files from offset on.
func (l listing) ListAt(to []fs.FileInfo, offset int64) (int, error) {
	if offset >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(to, l[offset:])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}

// Filelist lists a folder or describes a file.
func (f *Folder) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if r.Method == "List" {
		return f.list(r.Filepath)
	}
	info, err := f.root.Stat(inside(r.Filepath))
	if err != nil {
		return nil, status(err)
	}
	return listing{info}, nil
}

// Lstat describes a file or the link itself.
func (f *Folder) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	info, err := f.root.Lstat(inside(r.Filepath))
	if err != nil {
		return nil, status(err)
	}
	return listing{info}, nil
}

// Readlink tells nothing of where links lead.
func (f *Folder) Readlink(string) (string, error) { return "", fs.ErrNotExist }

func (f *Folder) list(path string) (sftp.ListerAt, error) {
	dir, err := f.root.OpenFile(inside(path), os.O_RDONLY, 0)
	if err != nil {
		return nil, status(err)
	}
	defer dir.Close()
	files, err := dir.Readdir(-1)
	if err != nil {
		return nil, status(err)
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return listing(files), nil
}
