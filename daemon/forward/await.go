//go:build !faults

package forward

// await marks a place where the leader waits for somebody else, or hands over, with
// what: a message or the commands of one entry of the log. Built with the tag faults it
// is where a test kills the process; see await_faults.go.
func await(string, any) {}
