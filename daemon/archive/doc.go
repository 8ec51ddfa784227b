// Package archive is the message archive of accounts (XEP-0313) as values and
// plain functions: which messages are kept, for whom and under what name
// (XEP-0359), what a query asks for, which page of an archive answers it
// (XEP-0059), and the stanzas that carry the answer (XEP-0297).
//
// It owns no session and no store: package replica decides what is filed,
// package consensus keeps it in a file, package router asks for it. What it is
// given is never written to. DESIGN.md tells where the archive is kept and why.
package archive
