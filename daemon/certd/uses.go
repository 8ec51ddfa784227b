package certd

import (
	"context"

	"quorate.org/daemon/pki/store"
	"quorate.org/daemon/settings"
)

// The settings that name files of the store.
const (
	keySetting         = "xmpp.key"
	certificateSetting = "xmpp.certificate"
	bundleSetting      = "xmpp.bundle"
	trustSetting       = "cluster.trust"
)

// usesOf tells which files the configuration uses for what.
func usesOf(v settings.Values) store.Uses {
	u := store.Uses{Known: true, Files: map[string][]string{}}
	name := func(file, setting string) {
		if file != "" {
			u.Files[file] = append(u.Files[file], setting)
		}
	}
	name(v.XMPP.Key, keySetting)
	name(v.XMPP.Certificate, certificateSetting)
	name(v.XMPP.Bundle, bundleSetting)
	name(v.Cluster.Trust, trustSetting)
	if v.XMPP.Key != "" && v.XMPP.Certificate != "" {
		u.Services = []store.Service{{Key: v.XMPP.Key, Certificate: v.XMPP.Certificate, Bundle: v.XMPP.Bundle}}
	}
	if v.Cluster.Trust != "" {
		u.Trust = []string{v.Cluster.Trust}
	}
	return u
}

// askUses asks the configuration service.
func (s *Service) askUses(ctx context.Context) (store.Uses, error) {
	raw, err := s.conn.Config().Values(ctx)
	if err != nil {
		return store.Uses{}, err
	}
	values, err := settings.Decode(raw)
	if err != nil {
		return store.Uses{}, err
	}
	return usesOf(values), nil
}

// learnUses renews what knownUses returns; while the configuration service does
// not answer, what it said last stays true.
func (s *Service) learnUses(ctx context.Context) {
	uses, err := s.askUses(ctx)
	if err != nil {
		s.log.Debug("asking which certificates are in use: " + err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses = uses
}

func (s *Service) knownUses() store.Uses {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uses
}
