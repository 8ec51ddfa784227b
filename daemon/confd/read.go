package confd

import (
	"context"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/settings"
	"quorate.org/daemon/settings/file"
)

// Settings lists the schema with effective values, secrets masked for everyone.
func (s *Service) Settings(context.Context, bus.Caller) ([]bus.Setting, error) {
	now := s.now()
	effective := settings.Effective(now.Raw)
	list := make([]bus.Setting, 0, len(effective))
	for _, k := range settings.Keys() {
		source := "default"
		if at, set := now.Sources[k.Name]; set {
			source = at.String()
		}
		list = append(list, bus.Setting{Key: k.Name, Type: string(k.Type), Default: k.Literal(k.Default), Scope: string(k.Scope),
			Reload: string(k.Reload), Doc: k.Doc, Value: k.Shown(effective[k.Name]), Source: source})
	}
	return list, nil
}

// Values answers what the daemons work with; only they see secrets.
func (s *Service) Values(_ context.Context, who bus.Caller) (map[string]any, error) {
	now := s.now()
	masked := !who.SeesSecrets() || who.Role == bus.Admin
	return settings.Encode(now.Raw, now.Generation, masked), nil
}

// ReadFile returns the text of quorate.toml, or of the default one when there
// is none yet.
func (s *Service) ReadFile(context.Context, bus.Caller) (string, error) {
	text, err := file.Read(s.Dir, file.Main)
	if text == nil && err == nil {
		return settings.DefaultFile(), nil
	}
	return string(text), err
}
