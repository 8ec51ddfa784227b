// Package metrics tells Prometheus what the XMPP service does. It is the only
// importer of Prometheus' library.
//
// Every metric stands once, in the table of table.go, with its kind, labels and
// documentation; docs/metrics.md comes from it. The numbers are others': rooms keep
// counters of their own, and whoever runs the service puts them together when they
// are asked for. Nothing is kept here but the counts of journal
// records, and what the libraries of consensus and gossip tell of themselves.
//
// Concurrency: a Server's methods may be called from any goroutine. The function
// that reads the numbers is called by one goroutine at a time. Run waits for every
// goroutine it started.
package metrics
