package store

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
)

// Import opens the PKCS#12 file of that name in the exchange folder with its
// passphrase and stores <base>.key, <base>.cer and, where it holds issuers,
// <base>-ca.cer, all or none. The file then leaves the exchange folder, since it
// holds the key. It returns the names of the files it became.
func (s *Store) Import(name, passphrase string, uses Uses) (files []string, report Report, err error) {
	base, ext := pki.Split(name)
	if err := pki.CheckName(name); err != nil {
		return nil, Report{}, err
	}
	if ext != ".p12" && ext != ".pfx" {
		files, err = s.imported(name)
		return files, Report{}, err
	}
	s.scanning.Lock()
	defer s.scanning.Unlock()
	in, err := s.unseal(name, base, passphrase)
	if err != nil {
		return nil, Report{}, err
	}
	files = slices.Sorted(maps.Keys(in))
	s.mu.Lock()
	defer s.mu.Unlock()
	p := plan(s.view(), in, uses, s.cfg.Now())
	for _, err := range p.refused {
		return nil, Report{Ask: p.ask}, err
	}
	next := s.index.clone()
	delete(next.Written, name)
	if report, err = s.put(in, nil, next, p.notes); err != nil {
		return nil, Report{}, err
	}
	delete(s.problems, name)
	return files, report, errors.Join(s.showAll(in), s.hide(name))
}

// imported answers for files that need no passphrase: Scan took them in.
func (s *Store) imported(name string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.problems[name]; ok {
		return nil, p.fault()
	}
	if _, ok := s.index.Files[name]; ok {
		return []string{name}, nil
	}
	return nil, notFound(name)
}

// unseal reads a PKCS#12 file as the files it will become.
func (s *Store) unseal(name, base, passphrase string) (arrivals, error) {
	data, err := s.readSettled(name)
	if err != nil {
		return nil, err
	}
	c, err := pki.ParseFile(name, data)
	if err != nil {
		return nil, unread(name, err).fault()
	}
	pair, err := pki.Unseal(c.Sealed, passphrase)
	if err != nil {
		return nil, err
	}
	in := arrivals{
		base + ".key": {Kind: pki.KindKey, Key: pair.Key},
		base + ".cer": {Kind: pki.KindCertificate, Certificates: []*x509.Certificate{pair.Certificate}},
	}
	if len(pair.Chain) == 0 {
		return in, nil
	}
	if err := pki.CheckBase(base + "-ca"); err != nil {
		return nil, err
	}
	in[base+"-ca.cer"] = pki.Bundle(pair.Chain)
	return in, nil
}

// Export seals base.key, its certificate and the issuers of it that the store
// holds under passphrase, and puts base.p12 into the exchange folder.
func (s *Store) Export(base, passphrase string) (file string, err error) {
	if err := pki.CheckBase(base); err != nil {
		return "", err
	}
	pair, err := s.pair(base)
	if err != nil {
		return "", err
	}
	data, err := pki.Seal(pair, passphrase)
	if err != nil {
		return "", err
	}
	file = base + ".p12"
	s.scanning.Lock()
	defer s.scanning.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, lies := s.problems[file]; lies {
		return "", fault.Mend(fault.Exists, fmt.Sprintf("an uploaded %s lies in the exchange folder", file),
			fmt.Sprintf("take it in (pki import %s) or remove it (pki remove %s) first", file, file))
	}
	next := s.index.clone()
	next.Written[file] = sumOf(data)
	if err := s.publish(next); err != nil {
		return "", err
	}
	return file, s.show(file, data)
}

// pair collects what belongs to base.key.
func (s *Store) pair(base string) (*pki.Pair, error) {
	key, err := s.Read(base + ".key")
	if err != nil {
		return nil, err
	}
	var missing error
	for _, ext := range []string{".cer", ".crt", ".pem", ".der"} {
		c, err := s.Read(base + ext)
		if err != nil || len(c.Certificates) == 0 {
			continue
		}
		leaf := c.Certificates[0]
		if missing = pki.Match(key.Key, leaf); missing == nil {
			issuers := append(c.Certificates[1:], s.allCertificates()...)
			return &pki.Pair{Key: key.Key, Certificate: leaf, Chain: pki.Chain(leaf, issuers, s.cfg.Now())}, nil
		}
	}
	if missing == nil {
		missing = fault.Mend(fault.NotFound, fmt.Sprintf("there is no certificate %s.cer for %s.key", base, base),
			"upload it by SFTP; pki list shows the files")
	}
	return nil, missing
}

func (s *Store) allCertificates() []*x509.Certificate {
	var all []*x509.Certificate
	x := s.current()
	for _, name := range slices.Sorted(maps.Keys(x.Files)) {
		if c, err := s.contents(x.Files[name]); err == nil {
			all = append(all, c.Certificates...)
		}
	}
	return all
}

// Remove deletes a file from the store and the exchange folder unless it is in
// use. Of a name whose renewal was refused it deletes the refused upload only.
func (s *Store) Remove(name string, uses Uses) (Report, error) {
	s.scanning.Lock()
	defer s.scanning.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	e, stored := s.index.Files[name]
	_, written := s.index.Written[name]
	if _, lies := s.problems[name]; lies && ours(name) {
		delete(s.problems, name)
		return Report{}, s.hide(name)
	}
	if err := pki.CheckName(name); err != nil {
		return Report{}, err
	}
	if !stored && !written {
		return Report{}, notFound(name)
	}
	if err := uses.free(name); err != nil {
		return Report{}, err
	}
	// The upload goes first: after a power failure in between nothing comes back.
	if err := s.hide(name); err != nil {
		return Report{}, err
	}
	next := s.index.clone()
	delete(next.Files, name)
	delete(next.Written, name)
	if err := s.publish(next); err != nil {
		return Report{}, err
	}
	if e.Blob == "" {
		return Report{}, nil
	}
	return Report{Changed: []string{name}}, nil
}
