// Package file reads and writes the configuration files: quorate.toml and then
// conf.d/*.toml in the order of their names.
//
// It is the only user of viper and go-toml. It knows no keys of its own: the
// schema in daemon/settings says what is right, this package says where. It
// reports every problem with file and line, tells where each value came from,
// and writes files so that a crash leaves the old or the new one whole.
//
// It keeps no state and watches nothing. Functions may run concurrently, but
// the caller orders its own writes.
package file
