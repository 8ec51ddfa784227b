//go:build !race

package router

const runsByDefault = 3000
