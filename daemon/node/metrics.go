package node

import (
	"net/netip"
	"slices"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/cluster"
	"quorate.org/daemon/edge"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/forward"
	"quorate.org/daemon/gossip"
	"quorate.org/daemon/metrics"
	"quorate.org/daemon/netif"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/settings"
)

// ports and kinds are the labels of what edge counts in pairs.
var (
	ports = [2]string{"client", "component"}
	kinds = [2]string{edge.Client: edge.Client.String(), edge.Component: edge.Component.String()}
)

// read tells the numbers of this moment. While the instance is opened anew there
// are those of the node alone.
func (n *Node) read(r *metrics.Readings) {
	r.Put(metrics.Build, 1, n.cfg.Version)
	if n.cfg.Records != nil {
		n.cfg.Records.Read(r)
	}
	if n.cfg.Overheard != nil {
		n.cfg.Overheard.Read(r)
	}
	codes := map[string]float64{}
	for _, f := range n.faultsNow() {
		codes[f.Code]++
	}
	for code, count := range codes {
		r.Put(metrics.Faults, count, code)
	}
	i := n.inst.Load()
	if i == nil {
		return
	}
	streams, forwarded := i.edge.Seen(), i.forward.Seen()
	readStreams(r, streams)
	readForwarding(r, forwarded)
	readStore(r, i.cluster.State())
	messages, bytes := i.cluster.ArchiveSize()
	r.Put(metrics.Archived, float64(messages))
	r.Put(metrics.ArchiveBytes, float64(bytes))
	readCluster(r, i.cluster)
	readBounds(r, n.values.Load(), streams.Reached, forwarded.Reached, trimmed(i.cluster.ArchiveTrimmed()))
}

func readStreams(r *metrics.Readings, s edge.Seen) {
	for k := range 2 {
		r.Put(metrics.Connections, float64(s.Connections[k]), ports[k])
		r.Put(metrics.Accepted, float64(s.Accepted[k]), ports[k])
		r.Put(metrics.Sessions, float64(s.Sessions[k]), kinds[k])
		r.Put(metrics.Bound, float64(s.Bound[k]), kinds[k])
	}
	for k, name := range edge.KindNames {
		r.Put(metrics.Received, float64(s.Received[k]), name)
		r.Put(metrics.Sent, float64(s.Sent[k]), name)
	}
	r.Put(metrics.SignInFailed, float64(s.SignInsFailed))
	r.Put(metrics.TLSFailed, float64(s.TLSFailed))
	r.Put(metrics.Outboxes, float64(s.Waiting))
	for condition, count := range s.StreamErrors {
		r.Put(metrics.StreamErrors, float64(count), condition)
	}
}

func readForwarding(r *metrics.Readings, s forward.Seen) {
	r.Put(metrics.QueueFrames, float64(s.Frames))
	r.Put(metrics.QueueBytes, float64(s.Bytes))
	r.Put(metrics.QueueAge, s.Oldest.Seconds())
	r.Put(metrics.Bounced, float64(s.Bounced))
	r.Flag(metrics.Open, s.Open)
	r.Put(metrics.Opened, float64(s.Opened))
	r.Flag(metrics.Leading, s.Leads)
	r.Put(metrics.Waiting, float64(s.Kept.Waiting))
	r.Put(metrics.Resumed, float64(s.Kept.Resumed))
	r.Put(metrics.Unconfirmed, float64(s.Kept.Bytes))
	r.Put(metrics.Directory, float64(s.Load.Sessions))
	r.Put(metrics.Pending, float64(s.Load.Pending))
	r.Put(metrics.Lanes, float64(s.Load.Lanes))
	r.Put(metrics.Proposed, float64(s.Proposed))
	r.Put(metrics.Commits, float64(s.Committed), "committed")
	r.Put(metrics.Commits, float64(s.Uncommitted), "failed")
	r.Put(metrics.CommitSeconds, s.Committing.Seconds())
}

func readStore(r *metrics.Readings, s *replica.State) {
	users, waiting := 0, 0
	for _, u := range s.Users.All() {
		users++
		waiting += len(u.Offline)
	}
	r.Put(metrics.Accounts, float64(len(s.Accounts)))
	r.Put(metrics.Bridges, float64(len(s.CallBridges)))
	r.Put(metrics.Users, float64(users))
	r.Put(metrics.Offline, float64(waiting))
}

func readCluster(r *metrics.Readings, c *cluster.Cluster) {
	v := c.View()
	last, committed, applied := c.Progress()
	r.Put(metrics.Term, float64(v.Term))
	r.Flag(metrics.Leader, v.LeaderID != "" && v.LeaderID == v.NodeID)
	r.Flag(metrics.HasLeader, v.LeaderID != "")
	r.Put(metrics.Voters, float64(v.Voters))
	r.Put(metrics.Reachable, float64(v.Reachable))
	r.Put(metrics.Needed, float64(v.Needed))
	r.Put(metrics.LastIndex, float64(last))
	r.Put(metrics.Committed, float64(committed))
	r.Put(metrics.Applied, float64(applied))
	statuses := map[string]int{string(gossip.Alive): 0, string(gossip.Failed): 0, string(gossip.Leaving): 0, string(gossip.Left): 0, "unknown": 0}
	for _, p := range v.Peers {
		statuses[p.Gossip]++
		if p.Self {
			continue
		}
		r.Flag(metrics.Linked, p.Linked, p.Name, p.ID)
		r.Put(metrics.Lag, float64(p.Lag), p.Name, p.ID)
		if p.LastContact >= 0 {
			r.Put(metrics.Contact, p.LastContact.Seconds(), p.Name, p.ID)
		}
	}
	for status, count := range statuses {
		r.Put(metrics.Gossip, float64(count), status)
	}
}

// trimmed counts what the archives forgot, by the setting that had them do so.
func trimmed(aged, crowded, heavy uint64) map[string]uint64 {
	return map[string]uint64{"xmpp.archive_days": aged, "xmpp.archive_messages": crowded, "xmpp.archive_bytes": heavy}
}

// readBounds tells every bound of the schema, and how often the rooms met it.
func readBounds(r *metrics.Readings, v *settings.Values, rooms ...map[string]uint64) {
	for _, k := range settings.Keys() {
		if !k.Bound {
			continue
		}
		r.Put(metrics.Limit, k.Amount(v), k.Name)
		for _, reached := range rooms {
			if count, ok := reached[k.Name]; ok {
				r.Put(metrics.Reached, float64(count), k.Name)
			}
		}
	}
}

func (n *Node) faultsNow() []bus.Fault {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.faults)
}

// listenMetrics gives the metrics where the settings say.
func (n *Node) listenMetrics(v *settings.Values) error {
	addrs, err := netif.Addrs(v.Metrics.Listen, v.Network.Interfaces, "config set metrics.listen")
	if err != nil {
		return err
	}
	var wanted []netip.AddrPort
	for _, a := range addrs {
		wanted = append(wanted, netip.AddrPortFrom(a, uint16(v.Metrics.Port)))
	}
	if err := n.numbers.Listen(wanted); err != nil {
		return fault.Mend(fault.WrongState, err.Error(), "choose another one: config set metrics.port <number>, or config set metrics.listen <interface>")
	}
	return nil
}
