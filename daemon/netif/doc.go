// Package netif says which addresses of this node a listening service means: it
// reads letters a to d and IP addresses, as `xmpp listen` and `webadmin listen`
// take them, by the network cards that are there.
//
// It opens nothing and keeps nothing; its functions are safe for concurrent use.
package netif
