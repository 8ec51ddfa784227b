package backup

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"quorate.org/daemon/fault"
)

// maxHead bounds the first line of a file.
const maxHead = 4096

// Peek says whose backup a file is, and that it is whole; the passphrase is not
// needed. Nobody vouches for the facts before the file was opened.
func Peek(file []byte) (Facts, error) {
	h, _, err := split(file)
	return h.Facts, err
}

func split(file []byte) (head, []byte, error) {
	var h head
	line, _, found := bytes.Cut(file[:min(len(file), maxHead)], []byte("\n"))
	if !found || json.Unmarshal(line, &h) != nil || h.Format < 1 {
		return head{}, nil, fault.Mend(fault.InvalidArgument, "the file is not a backup", "backup list shows the backups")
	}
	if h.Format > format {
		return head{}, nil, fault.Mend(fault.Version, fmt.Sprintf("the backup has format %d and this version reads format %d", h.Format, format), "upgrade this node first")
	}
	rest := file[len(line)+1:]
	if sumOf(rest) != h.SHA256 {
		return head{}, nil, damaged("it is not whole, or was changed on its way")
	}
	return h, rest, nil
}

// Open opens the file of a backup. A wrong passphrase is a fault.WrongSecret, a
// file that is not as it was made a fault.Incomplete.
func Open(file []byte, passphrase string) (Manifest, map[string][]byte, error) {
	h, sealed, err := split(file)
	if err != nil {
		return Manifest{}, nil, err
	}
	m, parts, err := unseal(sealed, passphrase)
	if err != nil {
		return Manifest{}, nil, err
	}
	if m.Facts != h.Facts {
		return Manifest{}, nil, damaged("its first line was changed")
	}
	return m, parts, m.check(parts)
}

func unseal(sealed []byte, passphrase string) (Manifest, map[string][]byte, error) {
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil { // it is empty
		return Manifest{}, nil, wrongPassphrase()
	}
	identity.SetMaxWorkFactor(Work) // a file may not ask for gigabytes
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	var no *age.NoIdentityMatchError
	if errors.As(err, &no) {
		return Manifest{}, nil, wrongPassphrase()
	}
	if err != nil {
		return Manifest{}, nil, damaged(err.Error())
	}
	m, parts, err := unpack(r)
	if err != nil {
		return Manifest{}, nil, damaged(err.Error())
	}
	return m, parts, nil
}

func wrongPassphrase() error {
	return fault.Mend(fault.WrongSecret, "the passphrase does not open the backup", "give the passphrase it was made with")
}

// unpack reads what pack wrote.
func unpack(r io.Reader) (m Manifest, parts map[string][]byte, err error) {
	parts = map[string][]byte{}
	t := tar.NewReader(r)
	for {
		entry, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return m, nil, err
		}
		data, err := io.ReadAll(io.LimitReader(t, Limit))
		if err != nil {
			return m, nil, err
		}
		if entry.Name != manifestName {
			parts[strings.TrimSuffix(entry.Name, ".json")] = data
		} else if err := json.Unmarshal(data, &m); err != nil {
			return m, nil, err
		}
	}
	// The last chunk is authenticated when its end is read.
	_, err = io.Copy(io.Discard, r)
	return m, parts, err
}
