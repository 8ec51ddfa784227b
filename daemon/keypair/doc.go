// Package keypair fetches what a TLS server presents from the certificate
// service: a key and its certificate with the intermediates; and it looks at what
// one presents.
//
// It keeps nothing; its functions are safe for concurrent use.
package keypair
