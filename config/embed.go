// Package config embeds what ships as files beside the code: the D-Bus
// interface descriptions and the commented default quorate.toml. It holds no
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
