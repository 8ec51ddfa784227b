// Package health looks for what is wrong with a node.
//
// It owns the registry of conditions: each with its code, its title, how bad it
// is, what it means and what mends it. Look asks the services over the bus, all
// at the same time and each for two seconds at most, and looks at the machine
// itself: clock, disks and memory. It never fails, because a service that does
// not answer is a condition too. It changes nothing, keeps no state and starts
// nothing that outlives the call, so it is safe for concurrent use. The faces
// (the command line's health and status, Web Admin's Status page) say what it
// found in its words.
package health
