// Package local proves what issue tables promise of a cluster, on three nodes
// that run as processes in network namespaces: real daemons, real links, real
// SSH. Each test carries the number of the promise in its name. It has no code
// of its own; daemon/internal/lab has the machinery.
package local
