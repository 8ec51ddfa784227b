package metrics

import "github.com/prometheus/client_golang/prometheus"

// Metric is one row of the table.
type Metric struct {
	Name   string
	Kind   prometheus.ValueType
	Labels []string
	Help   string

	desc *prometheus.Desc
}

// prefix begins the name of each metric.
const prefix = "quorate_"

// table has every metric in the order of its declaration.
var table []*Metric

func gauge(name, help string, labels ...string) *Metric {
	return add(&Metric{Name: prefix + name, Kind: prometheus.GaugeValue, Help: help, Labels: labels})
}

func counter(name, help string, labels ...string) *Metric {
	return add(&Metric{Name: prefix + name + "_total", Kind: prometheus.CounterValue, Help: help, Labels: labels})
}

func add(m *Metric) *Metric {
	m.desc = prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
	table = append(table, m)
	return m
}

// The node itself.
var (
	Build  = gauge("build_info", "1; the label names the version that runs.", "version")
	Faults = gauge("faults", "1 for each fault that is in effect, by its code; what `health` says of it is in the journal.", "code")
	Logged = counter("journal_records", "Records of this service in the journal.", "level")
	Told   = counter("journal_faults", "Records in the journal that name a fault, by its code.", "code")
)

// Connections and streams.
var (
	Connections  = gauge("connections", "Open connections, signed in or not.", "port")
	Accepted     = counter("connections_accepted", "Connections that were let in.", "port")
	Sessions     = gauge("sessions", "Bound streams of this node.", "kind")
	Bound        = counter("sessions_bound", "Streams that were bound.", "kind")
	Waiting      = gauge("sessions_waiting", "Sessions that wait at this node for their client to resume them (XEP-0198).")
	Resumed      = counter("sessions_resumed", "Streams that took up a session again, of this node or of another.")
	Unconfirmed  = gauge("unconfirmed_bytes", "Bytes of stanzas that clients with stream management have not said they have.")
	SignInFailed = counter("sign_ins_failed", "Sign-ins that failed, whatever for.")
	TLSFailed    = counter("tls_handshakes_failed", "TLS handshakes of clients and components that failed or were broken off.")
	StreamErrors = counter("stream_errors", "Stream errors that were sent (RFC 6120 §4.9.3).", "condition")
	Received     = counter("stanzas_received", "Stanzas that streams of this node sent.", "kind")
	Sent         = counter("stanzas_sent", "Stanzas that were put in the outbox of a stream of this node.", "kind")
	Outboxes     = gauge("outbox_bytes", "Bytes that wait to be written to streams of this node, all together.")
)

// Forwarding between the nodes.
var (
	QueueFrames = gauge("queue_frames", "Stanzas of this node that are not answered for yet.")
	QueueBytes  = gauge("queue_bytes", "Bytes of those stanzas.")
	QueueAge    = gauge("queue_age_seconds", "How long the oldest of them waits.")
	Bounced     = counter("stanzas_bounced", "Stanzas that found no leader in time.")
	Open        = gauge("forwarding_open", "1 while stanzas flow between this node and a leader.")
	Opened      = counter("forwarding_opened", "How often that began, behind each change of the leader or of a link to it.")
	Leading     = gauge("leader_routes", "1 while this node routes as the leader; the metrics of the directory are 0 elsewhere.")
	Directory   = gauge("directory_sessions", "Sessions in the leader's directory, those of all nodes.")
	Pending     = gauge("leader_pending_frames", "Stanzas that the leader forwarded and that are not answered yet.")
	Lanes       = gauge("leader_waiting_lanes", "Sessions whose stanzas wait at the leader, for the store or for an absent node.")
	Proposed    = gauge("store_queue", "Commands that the leader has for the store and has not entered yet.")
)

// The replicated store.
var (
	Commits       = counter("store_commits", "Entries that stanzas caused in the replicated log, on the leader.", "result")
	CommitSeconds = counter("store_commit_seconds", "Time spent waiting for them.")
	Accounts      = gauge("store_accounts", "Local accounts.")
	Bridges       = gauge("store_callbridges", "Call Bridges.")
	Users         = gauge("store_users", "Accounts with a roster or waiting messages.")
	Offline       = gauge("store_offline_messages", "Messages that wait for their recipients.")
	Archived      = gauge("archive_messages", "Messages in the archives of accounts (XEP-0313).")
	ArchiveBytes  = gauge("archive_bytes", "Bytes of the file that has them on this node, what is free in it included.")
)

// Consensus and membership.
var (
	Term      = gauge("raft_term", "The term of consensus.")
	Leader    = gauge("raft_leader", "1 on the node that leads.")
	HasLeader = gauge("raft_has_leader", "1 while this node knows a leader.")
	Voters    = gauge("raft_voters", "Nodes that vote.")
	Reachable = gauge("raft_voters_reachable", "Nodes that vote and can be reached from this one.")
	Needed    = gauge("raft_voters_needed", "How many of them are needed.")
	LastIndex = gauge("raft_last_index", "The last entry of this node's log.")
	Committed = gauge("raft_commit_index", "The last entry that is committed as far as this node knows.")
	Applied   = gauge("raft_applied_index", "The last entry that is applied here.")
	Lag       = gauge("raft_peer_lag", "Log entries that a member is behind; only on the leader.", "peer", "node_id")
	Contact   = gauge("peer_last_contact_seconds", "Since a member was last heard.", "peer", "node_id")
	Linked    = gauge("peer_linked", "1 while there is a link to a member.", "peer", "node_id")
	Gossip    = gauge("serf_members", "Members by what gossip says of them.", "status")
)

// What the libraries of both tell: see Libraries.
var (
	RaftStates        = counter("raft_states", "How often this node became a follower, stood as a candidate, became the leader. That of leader, of all nodes together, is how often the leader changed.", "state")
	RaftTimeouts      = counter("raft_timeouts", "How often this node heard nothing of the leader for cluster.heartbeat, and how often it led and reached no majority for cluster.lease.", "of")
	RaftCommits       = counter("raft_commits", "Log entries that this node had committed as the leader.")
	RaftCommitSeconds = counter("raft_commit_seconds", "Time they took from there to a majority.")
	RaftWrites        = counter("raft_log_writes", "Writes of log entries to this node's disk.")
	RaftWriteSeconds  = counter("raft_log_write_seconds", "Time they took.")
	RaftApplies       = counter("raft_applies", "Log entries that were applied to the store.")
	RaftApplySeconds  = counter("raft_apply_seconds", "Time that took.")
	RaftSnapshots     = counter("raft_snapshots", "Snapshots of the store that were taken, and that were installed because the log went back not far enough.", "what")
	GossipEvents      = counter("serf_events", "What this node saw happen to members: joined, failed, left, back within a moment (flap).", "event")
	GossipSuspicions  = counter("serf_suspicions", "How often a member was suspected to have failed.")
	GossipDegraded    = counter("serf_degraded_probes", "Probes of members while this node itself was late.")
	GossipHealth      = gauge("serf_health_score", "0 while this node answers and is answered in time; the higher, the later.")
	GossipBytes       = counter("serf_bytes", "Bytes of gossip.", "way")
)

// Bounds.
var (
	Limit   = gauge("bound", "The limit in force, by the setting that has it: a number, bytes or seconds.", "setting")
	Reached = counter("bound_reached", "How often it was reached: what came was refused, closed or had to wait.", "setting")
)
