// Package exchange serves one folder by SFTP: the way certificates come in and
// requests, certificates and exports go out.
//
// It owns what a person sees of the folder, which is shown as "/": every path
// outside it, and every symbolic link that leads out, is a file that is not
// there; folders can not be made or removed; private keys can be put but not
// fetched. It does not look at what was uploaded: a file is used only when the
// certificate service finds it whole. A Folder is safe for concurrent use, as
// the protocol's workers call it at the same time.
package exchange
