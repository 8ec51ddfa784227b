// Package pki judges keys, certificates, requests and bundles.
//
// It owns what a file may be called and hold (Parse, KindOf), which keys are
// strong enough (CheckKey), how requests and self-signed certificates are made,
// in which order a bundle is sent, whether a key pair may serve a domain
// (Check), and whom a cluster trusts (Trust). Every refusal is a *fault.Error
// with the act that mends it.
//
// It reads no file, no clock and no network: bytes and the time come in as
// arguments. Files are the business of the package store below it, which is the
// only writer of the certificate store. All functions are safe for concurrent
// use; Trust and PublicRoots are immutable once made.
package pki
