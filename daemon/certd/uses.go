package certd

import (
	"context"

	"quorate.org/daemon/pki/store"
)

// The settings that name files of the store.
const (
	keySetting         = "xmpp.key"
	certificateSetting = "xmpp.certificate"
	bundleSetting      = "xmpp.bundle"
	trustSetting       = "cluster.trust"
)

// usesOf reads from the effective configuration which files are used for what.
func usesOf(values map[string]any) store.Uses {
	file := func(key string) string { name, _ := values[key].(string); return name }
	u := store.Uses{Known: true, Files: map[string][]string{}}
	for _, key := range []string{keySetting, certificateSetting, bundleSetting, trustSetting} {
		if name := file(key); name != "" {
			u.Files[name] = append(u.Files[name], key)
		}
	}
	if s := (store.Service{Key: file(keySetting), Certificate: file(certificateSetting), Bundle: file(bundleSetting)}); s.Key != "" && s.Certificate != "" {
		u.Services = []store.Service{s}
	}
	if name := file(trustSetting); name != "" {
		u.Trust = []string{name}
	}
	return u
}

// askUses asks the configuration service.
func (s *Service) askUses(ctx context.Context) (store.Uses, error) {
	values, err := s.conn.Config().Values(ctx)
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
