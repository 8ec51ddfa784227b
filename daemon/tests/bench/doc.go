// Package bench measures what a client costs: this server on three nodes beside
// Debian's prosody and ejabberd, with one load generator, in one run. scripts/bench
// xmpp starts it, writes the others' configurations and judges the numbers; no tier
// of scripts/test does.
package bench
