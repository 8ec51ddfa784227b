package store

import (
	"crypto"
	"fmt"
	"strings"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
)

// Request makes base.csr for base.key and puts it into the exchange folder. A
// key of that name is used again, so that a renewal keeps the public key which
// peers may have pinned; otherwise one is made. It returns the files it made.
func (s *Store) Request(base string, a *pki.Attributes) ([]string, error) {
	return s.make(base, a, base+".csr", pki.Request)
}

// SelfSigned makes base.cer for base.key, as Request does base.csr. It replaces
// a self-signed certificate, but none that a CA issued.
func (s *Store) SelfSigned(base string, a *pki.Attributes) ([]string, error) {
	name := base + ".cer"
	if old, err := s.Read(name); err == nil && !pki.VouchesForItself(old.Certificates[0]) {
		return nil, fault.Mend(fault.Exists, name+" was issued by a CA", "choose another name, or remove it first: pki remove "+name)
	}
	return s.make(base, a, name, func(key crypto.Signer, a *pki.Attributes) (*pki.Contents, error) {
		return pki.SelfSigned(key, a, s.cfg.Now())
	})
}

func (s *Store) make(base string, a *pki.Attributes, name string, write func(crypto.Signer, *pki.Attributes) (*pki.Contents, error)) ([]string, error) {
	if err := pki.CheckBase(base); err != nil {
		return nil, err
	}
	key, isNew, err := s.keyFor(base, a.Algorithm)
	if err != nil {
		return nil, err
	}
	made, err := write(key, a)
	if err != nil {
		return nil, err
	}
	in := arrivals{name: made}
	if isNew {
		in[base+".key"] = &pki.Contents{Kind: pki.KindKey, Key: key}
	}
	return s.add(in)
}

// keyFor returns the stored key of that name, or a new one.
func (s *Store) keyFor(base string, want pki.Algorithm) (key crypto.Signer, isNew bool, err error) {
	name := base + ".key"
	s.mu.Lock()
	e, stored := s.index.Files[name]
	p, lies := s.problems[name]
	s.mu.Unlock()
	switch {
	case stored:
		key, err := s.sameKind(name, e, want)
		return key, false, err
	case lies:
		return nil, false, p.fault()
	}
	key, err = pki.GenerateKey(want)
	return key, true, err
}

func (s *Store) sameKind(name string, e entry, want pki.Algorithm) (crypto.Signer, error) {
	c, err := s.contents(e)
	if err != nil {
		return nil, err
	}
	have := pki.DescribeKey(c.Key.Public())
	if want != "" && want != pki.AlgorithmOf(c.Key.Public()) {
		return nil, fault.Mend(fault.Exists, fmt.Sprintf("%s exists and is %s", name, have),
			"choose another name, or leave out key:"+string(want))
	}
	return c.Key, nil
}

// add stores files made here and shows the public ones.
func (s *Store) add(in arrivals) ([]string, error) {
	s.scanning.Lock()
	defer s.scanning.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stillFree(in); err != nil {
		return nil, err
	}
	report, err := s.put(in, nil, s.index.clone(), nil)
	if err != nil {
		return nil, err
	}
	return report.Changed, s.showAll(in)
}

// stillFree refuses a new key for a name that got one meanwhile. Callers hold mu.
func (s *Store) stillFree(in arrivals) error {
	for name, c := range in {
		if _, ok := s.index.Files[name]; ok && c.Key != nil {
			return fault.Mend(fault.Exists, name+" was made by somebody else meanwhile", "try again")
		}
	}
	return nil
}

// showAll writes the public files of in to the exchange folder, over their own
// older copies but not over an upload that waits to be judged. Callers hold mu.
func (s *Store) showAll(in arrivals) error {
	for name, c := range in {
		_, lies := s.problems[name]
		if c.Kind == pki.KindKey || lies && !strings.HasSuffix(name, ".csr") {
			continue
		}
		data, err := c.PEM()
		if err != nil {
			return err
		}
		if err := s.show(name, data); err != nil {
			return err
		}
	}
	return nil
}
