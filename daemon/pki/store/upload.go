package store

import (
	"fmt"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
)

// Upload puts a file into the exchange folder as SFTP would, whole or not at
// all. Whether it is taken in is for the next Scan to say, by the same rules.
func (s *Store) Upload(name string, content []byte) error {
	if err := pki.CheckName(name); err != nil {
		return err
	}
	if len(content) > pki.MaxFile {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("the file is larger than %d bytes", pki.MaxFile))
	}
	if len(content) == 0 {
		return fault.New(fault.InvalidArgument, "the file is empty")
	}
	return s.show(name, content)
}

// Uploaded returns the line of a file that was uploaded: what came of the
// upload, where it was not taken in, else the stored file.
func (s *Store) Uploaded(name string) (File, error) {
	var found *File
	for _, f := range s.List() {
		if f.Name == name && (found == nil || f.State != Ready) {
			found = &f
		}
	}
	if found == nil {
		return File{}, notFound(name)
	}
	return *found, nil
}
