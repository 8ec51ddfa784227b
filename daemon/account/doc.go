// Package account keeps the accounts of the people who work on a node: who there
// is and in which role, passwords, the day an account ends, and SSH keys.
//
// A process of root's, Serve, does that for one connection and ends. The kernel
// says who is at the other end: people set their own password, once they have
// typed the one they have, so that an operator's terminal left open does not give
// the account away; administrators do the rest, and a terminal of theirs does, by
// a key or another account. Every change is journaled with who made it and from
// where. What an account is, the system's own files and tools say (passwd(5),
// useradd(8)); kept beside them is only which user ID comes next, since none is
// given twice. Do is the client. A Server is for one connection; changes wait for
// one another by a lock.
package account
