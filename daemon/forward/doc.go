// Package forward runs the machines of package router over the mesh.
//
// It owns the lock under which they step, the time they are given, the
// incarnation of this process, and the sessions of the edge. It implements
// edge.Router towards the streams. It knows no rule of routing and no socket.
//
// Every method is safe for concurrent use. One mutex guards all machines; no
// call made under it blocks: links and outboxes only append. Run drives the
// timers and ends with its context.
package forward
