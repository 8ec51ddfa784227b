// Package update is the file a new version of the appliance comes in: how it is
// told who signed it, which version it holds, and whether it is whole.
//
// An update is a tar file. It begins with a manifest, which names every other
// file with its size and SHA-256, and an Ed25519 signature (RFC 8032) over the
// manifest's bytes; nothing behind them is looked at before the signature is
// checked. The package reads what it is given from front to back, once; it
// opens no file and writes none. A File is for one goroutine. Who makes the file
// is scripts/image and scripts/update.
package update
