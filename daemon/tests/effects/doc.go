// Package effects proves that what a stanza does to the store, and who is told of
// it, happens once, wherever its leader is killed. Its clusters are of programs that
// can be killed at a step.
package effects
