package bundle

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"
)

// manifest is the name of the list of sums, as sha256sum --check reads it.
const manifest = "MANIFEST.sha256"

// Archive is a compressed tar archive under way.
type Archive struct {
	gz   *gzip.Writer
	tar  *tar.Writer
	dir  string // the folder every file is in
	at   time.Time
	sums strings.Builder
}

// NewArchive begins an archive of files in a folder dir, all of one time.
func NewArchive(w io.Writer, dir string, at time.Time) *Archive {
	gz := gzip.NewWriter(w)
	return &Archive{gz: gz, tar: tar.NewWriter(gz), dir: dir, at: at}
}

// Text adds a file.
func (a *Archive) Text(name, text string) error {
	return a.File(name, strings.NewReader(text), int64(len(text)))
}

// File adds a file of a known size in bytes.
func (a *Archive) File(name string, r io.Reader, size int64) error {
	sum := sha256.New()
	if err := a.put(name, io.TeeReader(r, sum), size); err != nil {
		return err
	}
	fmt.Fprintf(&a.sums, "%x  %s\n", sum.Sum(nil), name)
	return nil
}

func (a *Archive) put(name string, r io.Reader, size int64) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: a.dir + "/" + name, Size: size, Mode: 0o644, ModTime: a.at}
	err := a.tar.WriteHeader(header)
	if err == nil {
		_, err = io.CopyN(a.tar, r, size)
	}
	if err != nil {
		return fmt.Errorf("adding %s to the bundle: %w", name, err)
	}
	return nil
}

// Close adds the sums of all files and ends the archive; the writer below it
// stays open.
func (a *Archive) Close() error {
	if err := a.put(manifest, strings.NewReader(a.sums.String()), int64(a.sums.Len())); err != nil {
		return err
	}
	if err := a.tar.Close(); err != nil {
		return fmt.Errorf("ending the bundle: %w", err)
	}
	if err := a.gz.Close(); err != nil {
		return fmt.Errorf("ending the bundle: %w", err)
	}
	return nil
}
