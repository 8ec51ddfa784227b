// Package keypair fetches what a TLS server presents from the certificate
// service: a key and its certificate with the intermediates.
//
// It keeps nothing; its functions are safe for concurrent use.
package keypair
