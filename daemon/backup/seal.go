package backup

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"filippo.io/age"

	"quorate.org/daemon/fault"
)

// format is the version of the file. A reader refuses a newer one.
const format = 1

// Limit is how large a backup may be, in bytes: a store of a thousand
// certificates and ten thousand accounts is a tenth of it.
const Limit = 64 << 20

// MinPassphrase is the shortest passphrase, in characters: the file may be
// guessed at without anybody noticing.
const MinPassphrase = 8

// Work is the logarithm of scrypt's N: 2^16 takes 64 MiB and a tenth of a
// second. The default of age, 2^18, takes half the memory of a small machine.
const Work = 16

// head is the first line of a file. The rest is an age file, which `tail -n +2 |
// age -d | tar -x` opens where there is no Quorate.
type head struct {
	Format int `json:"quorate_backup"`
	Facts
	SHA256 string `json:"sha256"` // of the rest; tells damage from a wrong passphrase
}

const manifestName = "manifest.json"

// Seal makes the file of a backup. work is Work, or less in tests.
func Seal(f Facts, parts map[string][]byte, passphrase string, work int) ([]byte, error) {
	if utf8.RuneCountInString(passphrase) < MinPassphrase {
		return nil, fault.Mend(fault.InvalidArgument, fmt.Sprintf("the passphrase is shorter than %d characters", MinPassphrase), "choose a longer one: whoever has the file can try as many as they like")
	}
	f.Created = f.Created.UTC().Truncate(time.Second)
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fmt.Errorf("sealing backup: %w", err)
	}
	recipient.SetWorkFactor(work)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err == nil {
		err = pack(w, newManifest(f, parts), parts)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("sealing backup: %w", err)
	}
	line, err := json.Marshal(head{format, f, sumOf(sealed.Bytes())})
	if err != nil {
		return nil, fmt.Errorf("encoding head of backup: %w", err)
	}
	return append(append(line, '\n'), sealed.Bytes()...), nil
}

// pack writes the manifest, then each part it lists.
func pack(w io.Writer, m Manifest, parts map[string][]byte) error {
	list, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	put := func(name string, data []byte) {
		if err == nil {
			err = t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), ModTime: m.Created})
		}
		if err == nil {
			_, err = t.Write(data)
		}
	}
	put(manifestName, list)
	for _, p := range m.Parts {
		put(p.Name+".json", parts[p.Name])
	}
	if err != nil {
		return err
	}
	return t.Close()
}
