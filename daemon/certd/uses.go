package certd

import (
	"context"
	"slices"

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
		{v.XMPP.ClientTrust, "xmpp.client_trust"},
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
	for _, c := range v.XMPP.Certificates() {
		for _, file := range []string{c.Key, c.Certificate, c.Bundle} {
			if file != "" {
				u.Files[file] = append(u.Files[file], "xmpp.certificates")
			}
		}
		u.Services = append(u.Services, store.Service{Key: c.Key, Certificate: c.Certificate, Bundle: c.Bundle})
	}
	for _, s := range []store.Service{
		{Key: v.XMPP.Key, Certificate: v.XMPP.Certificate, Bundle: v.XMPP.Bundle, Peers: true},
		{Key: v.Web.Key, Certificate: v.Web.Certificate, Bundle: v.Web.Bundle},
	} {
		if s.Key != "" && s.Certificate != "" {
			u.Services = append(u.Services, s)
		}
	}
	for _, file := range []string{v.Cluster.Trust, v.CallBridge.Trust, v.XMPP.ClientTrust} {
		if file != "" {
			u.Trust = append(u.Trust, file)
		}
	}
	return u
}

// mayOpen reports whether the settings give a key to a service's user.
func mayOpen(user, file string, v settings.Values) bool {
	switch user {
	case "quorate-xmpp":
		return file == v.XMPP.Key || slices.ContainsFunc(v.XMPP.Certificates(), func(c settings.DomainCertificate) bool { return file == c.Key })
	case "quorate-web":
		return file == v.Web.Key
	}
	return false
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
