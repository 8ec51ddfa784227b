//go:build race

package router

// runsByDefault: the race detector makes the simulation ten times slower, and has
// little to find in machines without goroutines. scripts/test has all runs besides.
const runsByDefault = 300
