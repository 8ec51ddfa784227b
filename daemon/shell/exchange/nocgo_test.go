//go:build !cgo

package exchange_test

const builtWithCgo = false
