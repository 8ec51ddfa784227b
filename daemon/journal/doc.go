// Package journal is where log records go: a slog.Handler that speaks
// journald's native protocol when the process runs under it, and plain text on
// stderr when it does not. It also owns the MESSAGE_IDs of the events an
// administrator may search for, and the text of their catalog.
//
// It decides nothing about what is logged and keeps no record. Handlers are
// safe for concurrent use; one record is one datagram or one write.
package journal
