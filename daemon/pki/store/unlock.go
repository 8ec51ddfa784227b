package store

import (
	"fmt"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
)

// Unlock opens the encrypted private key of that name in the exchange folder and
// stores it, together with whatever waited for it there, such as its
// certificate. The file then leaves the exchange folder. A wrong passphrase, or
// a key that would spoil what is in use, changes nothing.
func (s *Store) Unlock(name, passphrase string, uses Uses) (Report, error) {
	if err := pki.CheckName(name); err != nil {
		return Report{}, err
	}
	locked, sum, err := s.readLocked(name)
	if err != nil {
		return Report{}, err
	}
	key, err := locked.Unlock(passphrase) // takes its time: no lock is held
	if err != nil {
		return Report{}, err
	}
	s.scanning.Lock()
	defer s.scanning.Unlock()
	uploads, _, err := s.gather()
	if err != nil {
		return Report{}, err
	}
	for i, u := range uploads {
		if u.name == name && u.sum == sum {
			uploads[i].contents = &pki.Contents{Kind: pki.KindKey, Key: key}
			return s.takeUnlocked(name, uploads, uses)
		}
	}
	return Report{}, errMoving
}

// readLocked reads the encrypted key that the last gather found whole, and its hash.
func (s *Store) readLocked(name string) (*pki.Locked, string, error) {
	s.scanning.Lock()
	defer s.scanning.Unlock()
	data, err := s.readSettled(name)
	if err != nil {
		return nil, "", s.notLocked(name, err)
	}
	c, err := pki.ParseFile(name, data)
	if err != nil {
		return nil, "", unread(name, err).fault()
	}
	if c.Locked == nil {
		return nil, "", s.notLocked(name, fault.Mend(fault.WrongState,
			fmt.Sprintf("%s holds a %s, which has no passphrase of its own", name, c.Kind), "pki list shows what each file waits for"))
	}
	return c.Locked, sumOf(data), nil
}

// notLocked says that a key which is in the store already needs no unlocking.
func (s *Store) notLocked(name string, err error) error {
	if e, ok := s.current().Files[name]; ok && e.Kind == pki.KindKey {
		return fault.Mend(fault.WrongState, fmt.Sprintf("%s is in the store and not locked", name), "pki inspect "+name)
	}
	return err
}

// takeUnlocked takes all uploads in, and reports why the key was not. Callers
// hold scanning.
func (s *Store) takeUnlocked(name string, uploads []upload, uses Uses) (Report, error) {
	report, err := s.take(uploads, uses)
	if err != nil {
		return report, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, refused := s.problems[name]
	if !refused {
		return report, nil
	}
	s.problems[name] = waiting(name, pki.KindKey, "pki unlock") // as the next look will find it
	if len(report.Ask) > 0 {
		return report, errAsking
	}
	report.Problems = nil // the caller is told, and the rest is as it was
	return report, p.fault()
}
