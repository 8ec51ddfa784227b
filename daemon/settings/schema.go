package settings

import "slices"

// schema is the table. Its order is the order of the default file and the docs.
var schema = []*Key{
	{Name: "xmpp.enabled", Type: Bool, Default: false, Scope: Node, Reload: Live,
		Doc:   "The service switch: true opens the client and component ports. `xmpp enable` and `xmpp disable` set it. It does not touch cluster membership.",
		field: func(v *Values) any { return &v.XMPP.Enabled }},
	{Name: "xmpp.domain", Type: Text, Default: "", Scope: Cluster, Reload: Seed, Example: `"meet.example"`,
		Doc:   "The XMPP domain. It fills an empty replicated store; afterwards `xmpp domain` changes it and a difference here is shown as drift.",
		check: domain, field: func(v *Values) any { return &v.XMPP.Domain }},
	{Name: "xmpp.listen", Type: List, Default: []string{}, Scope: Node, Reload: Listener, Example: `["a"]`,
		Doc:   "Where to listen: interface letters a to d or IP addresses. The first one is also the address other nodes and status show. Another first address ends the streams of a cluster member.",
		check: listen, field: func(v *Values) any { return &v.XMPP.Listen }},
	{Name: "xmpp.client_port", Type: Int, Default: int64(5222), Min: 1, Max: 65535, Scope: Node, Reload: Listener,
		Doc:   "TCP port for clients; STARTTLS is required there.",
		field: func(v *Values) any { return &v.XMPP.ClientPort }},
	{Name: "xmpp.component_port", Type: Int, Default: int64(5223), Min: 1, Max: 65535, Scope: Node, Reload: Listener,
		Doc:   "TCP port for Call Bridges and other components, and for clients by direct TLS.",
		field: func(v *Values) any { return &v.XMPP.ComponentPort }},
	{Name: "xmpp.key", Type: Text, Default: "", Scope: Node, Reload: Live, Example: `"xmpp.key"`,
		Doc:   "Private key file in the certificate store. `xmpp certs` sets it together with the certificate and the bundle.",
		check: fileName, field: func(v *Values) any { return &v.XMPP.Key }},
	{Name: "xmpp.certificate", Type: Text, Default: "", Scope: Node, Reload: Live, Example: `"xmpp.cer"`,
		Doc:   "Certificate file in the certificate store. New handshakes use it; established streams stay.",
		check: fileName, field: func(v *Values) any { return &v.XMPP.Certificate }},
	{Name: "xmpp.bundle", Type: Text, Default: "", Scope: Node, Reload: Live, Example: `"ca.cer"`,
		Doc:   "File with the intermediate and root certificates that go with the certificate; may stay empty.",
		check: fileName, field: func(v *Values) any { return &v.XMPP.Bundle }},
	{Name: "xmpp.max_stanza", Type: Size, Default: int64(256 << 10), Min: 10000, Max: 16 << 20, Scope: Node, Reload: Streams,
		Doc:   "Largest stanza accepted after authentication. RFC 6120 §13.12 forbids less than 10000 bytes.",
		field: func(v *Values) any { return &v.XMPP.MaxStanza }},
	{Name: "xmpp.max_stanza_before_auth", Type: Size, Default: int64(16 << 10), Min: 10000, Max: 1 << 20, Scope: Node, Reload: Streams,
		Doc:   "Largest element accepted before authentication.",
		field: func(v *Values) any { return &v.XMPP.MaxStanzaBeforeAuth }},
	{Name: "xmpp.max_depth", Type: Int, Default: int64(64), Min: 8, Max: 1024, Scope: Node, Reload: Streams,
		Doc:   "Deepest nesting of elements within a stanza.",
		field: func(v *Values) any { return &v.XMPP.MaxDepth }},
	{Name: "xmpp.max_attributes", Type: Int, Default: int64(64), Min: 16, Max: 1024, Scope: Node, Reload: Streams,
		Doc:   "Most attributes of one element.",
		field: func(v *Values) any { return &v.XMPP.MaxAttributes }},
	{Name: "xmpp.auth_timeout", Type: Duration, Default: "30s", Min: 1000, Max: 600_000, Scope: Node, Reload: Streams,
		Doc:   "Time a connection has to authenticate before it is closed.",
		field: func(v *Values) any { return &v.XMPP.AuthTimeout }},
	{Name: "xmpp.outbox", Type: Size, Default: int64(1 << 20), Min: 64 << 10, Max: 64 << 20, Scope: Node, Reload: Streams,
		Doc:   "Bytes that may wait for a slow reader before its stream is closed.",
		field: func(v *Values) any { return &v.XMPP.Outbox }},
	{Name: "xmpp.max_connections_per_address", Type: Int, Default: int64(1000), Min: 1, Max: 1_000_000, Scope: Node, Reload: Streams,
		Doc:   "Most connections from one IP address at a time.",
		field: func(v *Values) any { return &v.XMPP.MaxConnectionsPerAddress }},
	{Name: "xmpp.callbridge", Type: Bridges, Default: []map[string]any{}, Scope: Cluster, Reload: Seed, Secret: true,
		Doc:   "Call Bridges, one table each with name and secret. They fill an empty replicated store; afterwards `xmpp callbridge` changes them and a difference here is shown as drift. A later file replaces the whole list.",
		check: bridges, field: func(v *Values) any { return &v.XMPP.CallBridges }},
	{Name: "cluster.port", Type: Int, Default: int64(5224), Min: 1, Max: 65535, Scope: Node, Reload: Restart,
		Doc:   "TCP port for other nodes: mutual TLS for consensus, forwarding and joining.",
		field: func(v *Values) any { return &v.Cluster.Port }},
	{Name: "cluster.trust", Type: Text, Default: "", Scope: Node, Reload: Live, Example: `"xmpp.cer"`,
		Doc:   "File with the certificates of the other nodes, or the CA that signs them. `xmpp cluster trust` sets it.",
		check: fileName, field: func(v *Values) any { return &v.Cluster.Trust }},
	{Name: "cluster.queue_time", Type: Duration, Default: "10s", Min: 1000, Max: 120_000, Scope: Node, Reload: Restart,
		Doc:   "How long a stanza waits for a leader before its sender gets an error.",
		field: func(v *Values) any { return &v.Cluster.QueueTime }},
	{Name: "cluster.queue_bytes", Type: Size, Default: int64(16 << 20), Min: 1 << 20, Max: 1 << 30, Scope: Node, Reload: Restart,
		Doc:   "Bytes of stanzas that may wait on this node.",
		field: func(v *Values) any { return &v.Cluster.QueueBytes }},
	{Name: "cluster.queue_frames", Type: Int, Default: int64(8192), Min: 64, Max: 1 << 20, Scope: Node, Reload: Restart,
		Doc:   "Number of stanzas that may wait on this node.",
		field: func(v *Values) any { return &v.Cluster.QueueFrames }},
	{Name: "cluster.heartbeat", Type: Duration, Default: "250ms", Min: 50, Max: 10_000, Scope: Node, Reload: Restart,
		Doc:   "A follower that hears nothing from the leader for this long looks for a new one. The same on every node.",
		field: func(v *Values) any { return &v.Cluster.Heartbeat }},
	{Name: "cluster.election", Type: Duration, Default: "250ms", Min: 50, Max: 10_000, Scope: Node, Reload: Restart,
		Doc:   "Time an election may take before it is tried again. Not less than cluster.heartbeat.",
		field: func(v *Values) any { return &v.Cluster.Election }},
	{Name: "cluster.lease", Type: Duration, Default: "250ms", Min: 25, Max: 10_000, Scope: Node, Reload: Restart,
		Doc:   "A leader that hears from no majority for this long steps down. Not more than cluster.heartbeat.",
		field: func(v *Values) any { return &v.Cluster.Lease }},
	{Name: "gossip.port", Type: Int, Default: int64(7946), Min: 1, Max: 65535, Scope: Node, Reload: Restart,
		Doc:   "TCP and UDP port of the encrypted gossip between nodes.",
		field: func(v *Values) any { return &v.Gossip.Port }},
	{Name: "callbridge.name", Type: Text, Default: "", Scope: Node, Reload: Live, Example: `"cb1"`,
		Doc:   "Unique name of this node's Call Bridge, as `xmpp callbridge add` registered it. Its address is name.domain. While it is empty no link is made.",
		check: bridgeName, field: func(v *Values) any { return &v.CallBridge.Name }},
	{Name: "callbridge.domain", Type: Text, Default: "", Scope: Node, Reload: Live, Example: `"meet.example"`,
		Doc:   "The XMPP domain whose servers the Call Bridge looks for, by the SRV records _xmpp-component._tcp.",
		check: domain, field: func(v *Values) any { return &v.CallBridge.Domain }},
	{Name: "callbridge.server", Type: Text, Default: "", Scope: Node, Reload: Live, Example: `"localhost:5223"`,
		Doc:   "Host and port of the one server to use instead of the SRV records; the port may be left out (5223).",
		check: hostPort, field: func(v *Values) any { return &v.CallBridge.Server }},
	{Name: "callbridge.secret", Type: Text, Default: "", Scope: Node, Reload: Live, Secret: true,
		Doc:   "Shared secret of the Call Bridge, as `xmpp callbridge list` shows it.",
		check: secretText, field: func(v *Values) any { return &v.CallBridge.Secret }},
	{Name: "callbridge.trust", Type: Text, Default: "", Scope: Node, Reload: Live, Example: `"ca.cer"`,
		Doc:   "File with the certificates the Call Bridge trusts: the CA of the servers, or their own. While it is empty it trusts xmpp.bundle, cluster.trust and the public authorities.",
		check: fileName, field: func(v *Values) any { return &v.CallBridge.Trust }},
	{Name: "web.enabled", Type: Bool, Default: true, Scope: Node, Reload: Live,
		Doc:   "Web Admin on or off.",
		field: func(v *Values) any { return &v.Web.Enabled }},
	{Name: "web.listen", Type: List, Default: []string{}, Scope: Node, Reload: Live, Example: `["a"]`,
		Doc:   "Where Web Admin listens: interface letters a to d or IP addresses; all addresses while it is empty.",
		check: listen, field: func(v *Values) any { return &v.Web.Listen }},
	{Name: "web.port", Type: Int, Default: int64(445), Min: 1, Max: 65535, Scope: Node, Reload: Live,
		Doc:   "TCP port of Web Admin, HTTPS.",
		field: func(v *Values) any { return &v.Web.Port }},
	{Name: "web.key", Type: Text, Default: "", Scope: Node, Reload: Live, Example: `"web.key"`,
		Doc:   "Private key file of Web Admin in the certificate store. While none is set Web Admin makes itself a certificate, whose fingerprint `webadmin` shows.",
		check: fileName, field: func(v *Values) any { return &v.Web.Key }},
	{Name: "web.certificate", Type: Text, Default: "", Scope: Node, Reload: Live, Example: `"web.cer"`,
		Doc:   "Certificate file of Web Admin.",
		check: fileName, field: func(v *Values) any { return &v.Web.Certificate }},
	{Name: "web.bundle", Type: Text, Default: "", Scope: Node, Reload: Live, Example: `"ca.cer"`,
		Doc:   "File with the intermediate certificates that go with web.certificate; may stay empty.",
		check: fileName, field: func(v *Values) any { return &v.Web.Bundle }},
	{Name: "web.idle", Type: Duration, Default: "15m0s", Min: 60_000, Max: 86_400_000, Scope: Node, Reload: Live,
		Doc:   "A sign-in to Web Admin that does nothing for this long ends.",
		field: func(v *Values) any { return &v.Web.Idle }},
	{Name: "network.interfaces", Type: Interfaces, Default: []string{}, Scope: Node, Reload: Listener, Example: `["a=52:54:00:12:34:56"]`,
		Doc:   "Binds the letters a to d to network cards by MAC address, so that they survive a change of slots. While none is bound, a stands for the first card, b for the second and so on.",
		check: interfaceLetters, field: func(v *Values) any { return &v.Network.Interfaces }},
}

// byName finds keys; the lists hold the names in order.
var byName, keyNames, sectionNames = index()

func index() (keys map[string]*Key, names, sections []string) {
	keys = make(map[string]*Key, len(schema))
	for _, k := range schema {
		keys[k.Name] = k
		names = append(names, k.Name)
		if !slices.Contains(sections, k.Section()) {
			sections = append(sections, k.Section())
		}
	}
	return keys, names, sections
}

// Keys returns the schema in order. The rows must not be changed.
func Keys() []*Key { return schema }

// Find returns the row of a key.
func Find(name string) (*Key, bool) {
	k, ok := byName[name]
	return k, ok
}

// IsSection says whether name is a table of the file.
func IsSection(name string) bool { return slices.Contains(sectionNames, name) }
