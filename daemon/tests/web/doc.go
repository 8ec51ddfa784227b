// Package web tests Web Admin with real browsers, Chromium and Firefox ESR,
// against the nodes of a local lab, and first the harness itself. What the
// Status page says in the same words as command line and journal is read by a
// plain HTTPS client.
//
// Run it with scripts/test web, which installs what it needs. package.json and
// package-lock.json name the Node packages; nothing of them is in the product.
package web
