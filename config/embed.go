// Package config is the folder of what ships as files: the D-Bus interface
// descriptions, which it embeds because servers take their rules from them, the
// bus policy, the PAM service of Web Admin, and what is generated: the commented default quorate.toml (from
// daemon/settings) and the journal catalog (from daemon/journal). It holds no
// logic and no state.
package config

import "embed"

//go:embed org.quorate.*.xml
var interfaces embed.FS

// Interface returns the introspection XML of a D-Bus interface of the product,
// or an error when there is none of that name.
func Interface(name string) ([]byte, error) {
	return interfaces.ReadFile(name + ".xml")
}

// SignIn is the PAM service of Web Admin, pam.d/quorate-web.
//
//go:embed pam.d/quorate-web
var SignIn string
