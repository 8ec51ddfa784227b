// Package layout turns what the services answer into the text an administrator
// reads. The shapes are those of the original where it had them: a label padded
// to a column, " : ", the value; "none" for what is empty.
//
// It owns no words of failure and does no I/O: every function takes values and
// returns text that ends with a line end, or "" for nothing. All are safe for
// concurrent use.
package layout
