package router

// Load is what the leader has to do with at the moment.
type Load struct {
	Sessions int // in the directory
	Pending  int // frames that were forwarded and are not answered
	Lanes    int // of sessions whose frames wait
}

// Load returns the leader's load, nothing while it does not serve.
func (l *Leader) Load() Load {
	if l.phase != serving {
		return Load{}
	}
	return Load{Sessions: len(l.sessions), Pending: len(l.pending), Lanes: len(l.lanes)}
}
