// Package image proves what the image promises, and what only machines of it can
// show: that it is the same whoever builds it, that it boots on the hardware of every
// hypervisor it is made for, and there, through the real login shell, the
// walkthrough, the services under systemd, updates, resets and the console. It has
// no code of its own.
//
// The files are in the order in which their tests run: what needs no machine or
// one of its own (a), then what the three machines of appliances go through (b to f),
// each test with what the one before left.
//
// The judges of formats are not ours: package foreign, a module of its own,
// has the libraries of those who defined them.
package image
