// Package bundle makes the file an administrator sends to whoever helps: what
// commands print and what the journal holds, in one compressed archive in the
// exchange folder, with every secret taken out.
//
// It owns the archive (Archive), what is taken out of texts (Redactor), the
// bound on the journal (Journal) and how a file comes into the exchange folder
// whole or not at all (Deposit). What goes in is the shell's list. It reads no
// key and no file of the certificate store. Its values are used by one
// goroutine.
package bundle
