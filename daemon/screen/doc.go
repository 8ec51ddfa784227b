// Package screen is what a node shows on its console, on VGA and on the serial
// port: who and where it is, by what fingerprints it is known, what is wrong in
// words, and the next step. It asks for the first password of the administrator,
// and for a new one on a node started to recover; Enter leaves it for the login.
//
// It holds no authority: it looks at the machine, asks the services as an
// operator does, and hands a password to daemon/password. Facts in, lines out
// (Lines) is a plain function; a Console owns one terminal and draws only the
// lines that changed, because a serial line is slow and may be logged. Everything
// it looks at may be missing, and that is shown in words too.
//
// A Console is used by one goroutine. Run returns when the person wants to sign
// in, the terminal is gone or the context ends; the reader of its terminal ends
// with the terminal or the process.
package screen
