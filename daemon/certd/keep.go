package certd

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/store"
)

// kept is what this service has in a backup, by part.
type kept struct {
	Certificates []store.Packed `json:"certificates"`
}

// Save returns the whole store, private keys included. Uploads that were not
// taken in are no part of it.
func (s *Service) Save(ctx context.Context, _ bus.Caller) ([]byte, error) {
	if err := s.scan(ctx); err != nil {
		return nil, err
	}
	files, err := s.store.Pack()
	if err != nil {
		return nil, err
	}
	return json.Marshal(kept{files})
}

// Restore takes the files of a backup in. The members of the cluster are not
// asked: the node goes back to the certificate they knew it by.
func (s *Service) Restore(_ context.Context, _ bus.Caller, data []byte, apply bool) ([]bus.Step, error) {
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, fault.New(fault.Incomplete, "the certificates in the backup can not be read: "+err.Error())
	}
	changes, err := s.store.Compare(k.Certificates)
	if err != nil {
		return nil, err
	}
	if apply {
		report, err := s.store.Unpack(k.Certificates)
		s.tell(report)
		if err != nil {
			return nil, err
		}
	}
	return []bus.Step{{Name: "certificates", OK: true, Text: inWords(changes)}}, nil
}

func inWords(u store.Unpacking) string {
	var parts []string
	for _, p := range []struct {
		files []string
		what  string
	}{{u.New, "new"}, {u.Changed, "changed"}, {u.Same, "the same"}, {u.Kept, "not in the backup and kept"}} {
		if len(p.files) > 0 {
			parts = append(parts, fmt.Sprintf("%s: %s", p.what, strings.Join(p.files, " ")))
		}
	}
	if parts == nil {
		return "none there and none in the backup"
	}
	return strings.Join(parts, "; ")
}

// Clear removes every file of the store and of the exchange folder.
func (s *Service) Clear(context.Context, bus.Caller) error {
	report, err := s.store.Clear()
	s.tell(report)
	return err
}
