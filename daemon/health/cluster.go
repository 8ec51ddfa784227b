package health

import (
	"context"
	"fmt"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// behindFrom is how many log entries a member may miss before it is said to be
// behind: more than one burst of changes, so that a busy moment is no condition.
const behindFrom = 256

func clusterFaults(ctx context.Context, conn *bus.Conn) []bus.Fault {
	s, err := conn.Xmpp().ClusterStatus(ctx)
	if err != nil {
		return []bus.Fault{Fault(err)}
	}
	return clusterConditions(s)
}

// clusterConditions are those of a node that is a member. The quorum comes
// first, for it explains the rest.
func clusterConditions(s bus.ClusterStatus) []bus.Fault {
	switch s.State {
	case "STANDALONE", "NOT JOINED", "":
		return nil
	}
	faults := quorumFaults(s)
	for _, p := range s.Peers {
		faults = append(faults, memberFaults(p)...)
	}
	return faults
}

func quorumFaults(s bus.ClusterStatus) []bus.Fault {
	switch {
	case s.State == "NO LEADER":
		return []bus.Fault{tell(fault.NoQuorum, s.Reason, "bring the missing nodes back")}
	case s.Voters == 0 || s.Tolerates > 0:
		return nil
	case s.Reachable < s.Voters:
		return []bus.Fault{tell(fault.NoTolerance,
			fmt.Sprintf("%d of %d voters reachable: one more failure stops the cluster", s.Reachable, s.Voters), "bring the missing nodes back")}
	}
	return []bus.Fault{tell(fault.NoTolerance, voters(s.Voters)+" no failure", "join more nodes until there are three: xmpp cluster join <member>")}
}

func voters(n int) string {
	if n == 1 {
		return "a cluster of one voter tolerates"
	}
	return fmt.Sprintf("a cluster of %d voters tolerates", n)
}

func memberFaults(p bus.Peer) []bus.Fault {
	switch {
	case p.Self:
		return nil
	case p.Gossip == "failed":
		return []bus.Fault{tell(fault.Member, fmt.Sprintf("%s (%s) does not answer%s", p.Name, p.Address, heard(p)),
			"switch it on, or take it out: xmpp cluster remove "+p.Name)}
	case p.Gossip == "left":
		return []bus.Fault{tell(fault.Member, fmt.Sprintf("the XMPP service of %s (%s) is stopped%s", p.Name, p.Address, heard(p)),
			"systemctl start quorate-xmpp on "+p.Name)}
	case p.Lag >= behindFrom:
		return []bus.Fault{tell(fault.Member, fmt.Sprintf("%s (%s) is %d log entries behind the leader", p.Name, p.Address, p.Lag),
			"look at the network and the disk of "+p.Name)}
	}
	return nil
}

func heard(p bus.Peer) string {
	if p.LastContactMs < 0 {
		return ""
	}
	ago := (time.Duration(p.LastContactMs) * time.Millisecond).Round(time.Second)
	return fmt.Sprintf(", last heard %s ago", ago)
}
