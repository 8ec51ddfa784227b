// Package node is one XMPP node whole: it reads the settings and keys from
// their services, opens the instance they describe (cluster, forwarding, edge),
// and answers for it on the bus as org.quorate.Xmpp1.
//
// One goroutine, apply, turns settings into effect; membership transitions
// close the instance and open it again from disk. Both hold the change lock, so
// there is one at a time. Readers take the published instance and never wait
// for a change, except to have an instance at all.
package node
