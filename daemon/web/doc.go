// Package web is Web Admin: the pages of a node over HTTPS.
//
// It owns the port and its certificate, sign-ins and their sessions, what
// guards each request, the frame every page is shown in, and the pages. It
// holds no authority of its own: a session is a connection to the system bus
// that the person's own account opened, so roles, masking and auditing are the
// bus's and the services'. Its own connection reads settings and its own key.
// It keeps no state of the product; a service refuses, the page says so.
//
// Concurrency: a Server is safe for concurrent use. Each request runs in its
// own goroutine; Run waits for all of them, streams of live pages included.
package web
