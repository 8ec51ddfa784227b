package shell

import (
	"context"
	"errors"
	"strings"
)

// secrets returns the secrets the person may read, to take them out by value,
// and why some are not known.
func (s *Shell) secrets(ctx context.Context) (known []string, unknown error) {
	if err := s.dial(); err != nil {
		return nil, err
	}
	bridges, err := s.conn.Xmpp().CallBridges(ctx)
	for _, b := range bridges {
		known = append(known, b.Secret)
	}
	values, err2 := s.values(ctx)
	for key, value := range values {
		known = append(known, secretsIn(key, value)...)
	}
	return known, errors.Join(err, err2)
}

// secretsIn returns the texts of a setting that are secrets, in tables too.
func secretsIn(key string, value any) []string {
	switch v := value.(type) {
	case string:
		if strings.HasSuffix(key, "secret") || strings.HasSuffix(key, "password") {
			return []string{v}
		}
	case map[string]any:
		return secretsOf(v)
	case []map[string]any:
		var all []string
		for _, row := range v {
			all = append(all, secretsOf(row)...)
		}
		return all
	}
	return nil
}

func secretsOf(row map[string]any) []string {
	var all []string
	for name, value := range row {
		all = append(all, secretsIn(name, value)...)
	}
	return all
}
