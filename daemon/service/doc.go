// Package service is what a daemon owes its service manager and its machine:
// readiness, reloading, stopping and watchdog messages (sd_notify(3)), the two
// signals (SIGTERM stops, SIGHUP reloads), its directories, and memory when it is
// at rest.
//
// It knows nothing of what the daemon does. Without a service manager
// ($NOTIFY_SOCKET not set) every message is dropped, so the same daemon runs in
// a terminal and in tests. A Notifier is safe for concurrent use; Run returns
// only after everything it started has ended.
package service
