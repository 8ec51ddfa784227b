// Package settings is the one schema of the configuration.
//
// Each key stands once, in the table of schema.go, with its type, default,
// constraint, scope, reload class and documentation. The commented default
// file, docs/configuration.md, the checks, the values on D-Bus and the Values
// the daemons work with all come from that table.
//
// It reads no file (settings/file does) and keeps no state. Every function is
// pure; a Values is never changed once it is returned, so it may be shared.
package settings
