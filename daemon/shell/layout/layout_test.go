package layout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
)

func TestLayouts(t *testing.T) {
	for _, tc := range []struct{ name, got, want string }{
		{"xmpp status", Xmpp(bus.XmppStatus{
			Enabled: true, Running: true, Domain: "meet.example", Listen: []string{"a", "b"}, Addresses: []string{"10.0.0.10", "10.0.1.10"},
			Key: "xmpp.key", Certificate: "xmpp.cer", ClientPort: 5222, ComponentPort: 5223, ClusterPort: 5224,
			Sessions: 3, State: "STANDALONE",
			Faults: []bus.Fault{{Text: "xmpp.cer expires in 7 days", Remedy: "renew it"}},
		}), `Enabled                 : true
Clustered               : false
Domain                  : meet.example
Listening interfaces    : a b
Listening addresses     : 10.0.0.10 10.0.1.10
Key file                : xmpp.key
Certificate file        : xmpp.cer
CA Bundle file          : none
Cluster trust file      : none
Client port             : 5222
Component port          : 5223
Cluster port            : 5224
Client sessions         : 3
Component streams       : 0
Cluster state           : STANDALONE
Fault                   : xmpp.cer expires in 7 days; renew it
STATUS                  : XMPP server running
`},
		{"call bridges", CallBridges([]bus.CallBridge{
			{Name: "cb1", Domain: "meet.example", Secret: "RITmSh4smhLYguGpAb1", ConnectedTo: "cb2"},
			{Name: "cb2", Domain: "meet.example", Secret: "abc"},
		}), `***
Callbridge : cb1
Domain     : meet.example
Secret     : RITmSh4smhLYguGpAb1
Connected  : cb2
***
Callbridge : cb2
Domain     : meet.example
Secret     : abc
Connected  : none
`},
		{"no call bridges", CallBridges(nil), "none\n"},
		{"leader", Cluster(bus.ClusterStatus{
			State: "LEADER", ClusterID: "c1", NodeID: "n1", Leader: "n1", Term: 7, LeaderSince: "2026-11-20T10:04:11Z",
			Voters: 3, Reachable: 3, Needed: 2, Tolerates: 1,
			Peers: []bus.Peer{
				{ID: "n1", Name: "cb1", Address: "10.0.0.10:5222", Leader: true, Self: true, Voter: true, Gossip: "alive", Version: "1.0"},
				{ID: "n3", Name: "cb3", Address: "10.0.0.12:5222", Voter: true, Gossip: "failed", LastContactMs: 1500, Lag: 12, Version: "1.0"},
				{ID: "n2", Name: "cb2", Address: "10.0.0.11:5222", Gossip: "alive", LastContactMs: -1, Version: "1.0"},
			},
		}), `State: LEADER
List of peers
10.0.0.11:5222
10.0.0.12:5222
10.0.0.10:5222 (Leader)

Quorum        : 3 of 3 voters reachable, 2 needed, tolerates 1 failure
Term          : 7, leader since 2026-11-20 10:04:11
Cluster ID    : c1
This node     : n1

NAME      NODE ID  STATE               LAST CONTACT  LAG  VERSION
cb2       n2       alive, no vote yet  never         0    1.0
cb3       n3       failed              1.5s ago      12   1.0
cb1 (me)  n1       alive               -             0    1.0
`},
		{"no leader", Cluster(bus.ClusterStatus{
			State: "NO LEADER", Reason: "no quorum: 1 of 3 voters reachable, 2 needed", NodeID: "n2", Term: 8,
			Voters: 3, Reachable: 1, Needed: 2, Peers: []bus.Peer{{ID: "n2", Name: "cb2", Address: "10.0.0.11:5222", Self: true, Voter: true, Gossip: "alive"}},
		}), `State: NO LEADER
List of peers
10.0.0.11:5222

Reason        : no quorum: 1 of 3 voters reachable, 2 needed
Quorum        : 1 of 3 voters reachable, 2 needed, no quorum
Term          : 8, no leader
This node     : n2

NAME      NODE ID  STATE  LAST CONTACT  LAG  VERSION
cb2 (me)  n2       alive  -             0    none
`},
		{"two voters", quorum(bus.ClusterStatus{Voters: 2, Reachable: 2, Needed: 2}), "2 of 2 voters reachable, 2 needed, no failure can be tolerated"},
		{"one voter", quorum(bus.ClusterStatus{Voters: 1, Reachable: 1, Needed: 1}), "1 of 1 voter reachable, 1 needed, no failure can be tolerated"},
		{"not joined", Cluster(bus.ClusterStatus{State: "NOT JOINED", NodeID: "n1"}), "State: NOT JOINED\nList of peers\n\nThis node     : n1\n"},
		{"users", Users([]bus.User{{Name: "alice", Sessions: 2}}), "USERNAME  SESSIONS\nalice     2\n"},
		{"certificates", Certificates([]bus.Certificate{
			{File: "xmpp.key", Kind: "key", State: "ready", UsedBy: []string{"xmpp.key"}},
			{File: "xmpp.cer", Kind: "certificate", State: "ready", Subject: "CN=meet.example", NotAfter: "2026-12-20T00:00:00Z", DaysLeft: 30},
			{File: "bad.cer", State: "rejected", Reason: "RSA 1024 is too weak"},
		}), `FILE      KIND         STATE     EXPIRES               SUBJECT          USED BY
xmpp.key  key          ready     -                     none             xmpp.key
xmpp.cer  certificate  ready     2026-12-20 (30 days)  CN=meet.example  none
bad.cer   none         rejected  -                     none             none

bad.cer: RSA 1024 is too weak
`},
		{"key", Certificate(bus.Certificate{File: "xmpp.key", Kind: "key", State: "ready", Fingerprint: "ab"}), `File                    : xmpp.key
Kind                    : key
State                   : ready
Fingerprint             : ab
Used by                 : none
`},
		{"settings", Settings([]bus.Setting{{Key: "xmpp.listen", Value: `["a"]`, Source: "quorate.toml:3"}}),
			"KEY          VALUE  SOURCE\nxmpp.listen  [\"a\"]  quorate.toml:3\n"},
		{"setting", Setting(bus.Setting{Key: "k", Value: "1", Source: "default", Type: "int", Default: "1", Scope: "node", Reload: "live", Doc: "One\n two."}),
			`Key                     : k
Value                   : 1
Source                  : default
Type                    : int
Default                 : 1
Scope                   : node
Takes effect            : live
Meaning                 : One two.
`},
		{"units", Units([]bus.Unit{{Name: "quorate-xmpp.service", Active: "active", Sub: "running", Description: "XMPP"}}),
			"UNIT                  STATE             DESCRIPTION\nquorate-xmpp.service  active (running)  XMPP\n"},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 m", 90 * time.Minute: "1 h 30 m", 49 * time.Hour: "2 d 1 h"} {
		if got := Span(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
