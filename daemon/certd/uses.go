package certd

import (
	"context"

	"quorate.org/daemon/pki/store"
	"quorate.org/daemon/settings"
)

// usesOf tells which files the configuration uses for what.
func usesOf(v settings.Values) store.Uses {
	u := store.Uses{Known: true, Files: map[string][]string{}}
	for _, f := range []struct{ file, setting string }{
		{v.XMPP.Key, "xmpp.key"},
		{v.XMPP.Certificate, "xmpp.certificate"},
		{v.XMPP.Bundle, "xmpp.bundle"},
		{v.Cluster.Trust, "cluster.trust"},
		{v.Web.Key, "web.key"},
		{v.Web.Certificate, "web.certificate"},
		{v.Web.Bundle, "web.bundle"},
		{v.CallBridge.Trust, "callbridge.trust"},
	} {
		if f.file != "" {
			u.Files[f.file] = append(u.Files[f.file], f.setting)
		}
	}
	for _, s := range []store.Service{
		{Key: v.XMPP.Key, Certificate: v.XMPP.Certificate, Bundle: v.XMPP.Bundle, Peers: true},
		{Key: v.Web.Key, Certificate: v.Web.Certificate, Bundle: v.Web.Bundle},
	} {
		if s.Key != "" && s.Certificate != "" {
			u.Services = append(u.Services, s)
		}
	}
	for _, file := range []string{v.Cluster.Trust, v.CallBridge.Trust} {
		if file != "" {
			u.Trust = append(u.Trust, file)
		}
	}
	return u
}

// keyOf returns the key that the settings give to a service's user.
func keyOf(user string, v settings.Values) string {
	switch user {
	case "quorate-xmpp":
		return v.XMPP.Key
	case "quorate-web":
		return v.Web.Key
	}
	return ""
}

// askSettings asks the configuration service.
func (s *Service) askSettings(ctx context.Context) (settings.Values, error) {
	raw, err := s.conn.Config().Values(ctx)
	if err != nil {
		return settings.Values{}, err
	}
	return settings.Decode(raw)
}

// learnUses renews what knownUses and knownSettings return; while the
// configuration service does not answer, what it said last stays true.
func (s *Service) learnUses(ctx context.Context) {
	values, err := s.askSettings(ctx)
	if err != nil {
		s.log.Debug("asking which certificates are in use: " + err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings, s.uses = values, usesOf(values)
}

func (s *Service) knownUses() store.Uses {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uses
}

func (s *Service) knownSettings() settings.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}
