package cluster_test

import (
	"strings"
	"testing"

	"quorate.org/daemon/cluster"
	"quorate.org/daemon/replica"
)

// A node whose log has what it can not read serves nobody and says why; what no
// member knows is not entered in the first place.
func TestUnreadLog(t *testing.T) {
	t.Parallel()
	m := newMember(t, certificate(t))
	until(t, "a standalone node", func() bool { return m.cluster.View().State == cluster.StateStandalone && m.cluster.Serves() })
	if err := m.cluster.Propose(t.Context(), replica.Command{Op: "future"}); err == nil || !strings.Contains(err.Error(), "does not know") {
		t.Errorf("an unknown command is answered %v", err)
	}
	if err := m.cluster.WriteUnknown(t.Context()); err == nil {
		t.Error("it is applied")
	}
	v := m.cluster.View()
	if m.cluster.Serves() || v.State != cluster.StateNoLeader || !strings.Contains(v.Reason, "can not be read") {
		t.Errorf("the node shows %q, %q and serves: %v", v.State, v.Reason, m.cluster.Serves())
	}
}
