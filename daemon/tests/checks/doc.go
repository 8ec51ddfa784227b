// Package checks runs the tools that judge the whole tree: formatting, vet,
// staticcheck, shellcheck, and every fuzz target. It has no code of its own.
package checks
