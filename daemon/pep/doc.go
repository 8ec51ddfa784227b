// Package pep is the Personal Eventing Protocol (XEP-0163) as values and plain
// functions: every account as a publish-subscribe service (XEP-0060) with its
// nodes, items, configurations and subscribers, who may see what, what a
// request does, the stanzas that follow, and the capabilities of clients
// (XEP-0115) that decide who is told.
//
// It owns no session and no store: package replica keeps a Service per account
// and changes it by Service.Apply; package router knows who is available and
// asks here whom to tell what. It does no I/O and reads no clock; what it is given is
// never written to, so a Service may be held and read by any number of
// goroutines.
package pep
