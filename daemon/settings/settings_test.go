package settings

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDefaultsAreValid(t *testing.T) {
	v, problems := Validate(nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := Values{
		XMPP: XMPP{Listen: []string{}, DomainCertificates: []string{}, ClientPort: 5222, ComponentPort: 5223, MaxStanza: 262144, MaxStanzaBeforeAuth: 16384, MaxDepth: 64,
			MaxAttributes: 64, AuthTimeout: 30 * time.Second, Outbox: 1048576, MaxConnections: 50000, MaxConnectionsPerAddress: 1000, WriteTimeout: 30 * time.Second, InactiveBytes: 32 << 10, InactiveWait: 5 * time.Minute,
			MaxAuthFailuresPerAddress: 20, MaxAuthFailuresPerAccount: 100, AuthFailureWindow: time.Minute, AuthBackoff: 100 * time.Millisecond, ResumeTime: 5 * time.Minute, ResumeQueue: 1 << 20, ResumeTotal: 8 << 20,
			MaxSessions: 100, MaxContacts: 1000, MaxContactGroups: 64, MaxRosterBytes: 512 << 10, MaxRequest: 4096, MaxOfflineMessages: 200, MaxOfflineBytes: 512 << 10,
			MaxBlocked: 1000, MaxPrivate: 128 << 10, MaxVCard: 128 << 10, MaxNodes: 200, MaxItemBytes: 2 << 20, MaxNodeItems: 1000, MaxItemPayload: 192 << 10, MaxSubscribers: 1000, MaxPushNodes: 20,
			Archive: "never", ArchiveDays: 30, ArchiveMessages: 10000, ArchiveBytes: 64 << 20, ArchivePage: 100},
		Cluster: ClusterValues{Port: 5224, QueueTime: 10 * time.Second, QueueBytes: 16777216, QueueFrames: 8192,
			Heartbeat: 250 * time.Millisecond, Election: 250 * time.Millisecond, Lease: 250 * time.Millisecond},
		Gossip:  Gossip{Port: 7946},
		Web:     Web{Enabled: true, Listen: []string{}, Port: 445, Idle: 15 * time.Minute},
		Metrics: Metrics{Listen: []string{}, Port: 9645},
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Error(diff)
	}
}

// Every row is complete, and each fills a field of its own.
func TestSchemaRows(t *testing.T) {
	var v Values
	fields := make(map[any]string)
	for _, k := range Keys() {
		if k.Doc == "" || k.Scope == "" || k.Reload == "" || k.Type == "" || k.when() == "" {
			t.Errorf("%s: incomplete row", k.Name)
		}
		if other, taken := fields[k.field(&v)]; taken {
			t.Errorf("%s fills the field of %s", k.Name, other)
		}
		fields[k.field(&v)] = k.Name
		if _, p := Convert(k.Name, k.Default); p != nil {
			t.Errorf("default: %v", p)
		}
		if k.Bound {
			k.Amount(&v) // panics for what is no amount
		}
	}
}

// unbounding are the settings with a number that limits nothing of a peer's.
var unbounding = map[string]string{
	"xmpp.client_port": "a port", "xmpp.component_port": "a port", "cluster.port": "a port", "gossip.port": "a port",
	"metrics.port": "a port", "web.port": "a port", "web.idle": "of Web Admin",
	"xmpp.auth_failure_window": "the time in which xmpp.max_auth_failures_… count",
	"cluster.heartbeat":        "a timer of consensus: quorate_raft_timeouts_total", "cluster.lease": "the same",
	"cluster.election": "the same",
}

// TestNumbersAreBounds: a setting with a number bounds something, which makes the
// metrics tell of it, or it is known not to.
func TestNumbersAreBounds(t *testing.T) {
	for _, k := range Keys() {
		number := k.Type == Int || k.Type == Size || k.Type == Duration
		if _, other := unbounding[k.Name]; number && k.Bound == other {
			t.Errorf("%s is a number: mark it as a Bound, or say here what it is; not both", k.Name)
		}
		delete(unbounding, k.Name)
	}
	for name := range unbounding {
		t.Errorf("there is no %s", name)
	}
}

func TestEveryProblemIsReported(t *testing.T) {
	_, problems := Validate(Raw{
		"xmpp.listen":      []string{"e"},
		"xmpp.client_port": int64(70000),
		"xmpp.domain":      "Meet.Example",
		"xmpp.enabled":     "yes",
		"xmpp.callbridge":  []map[string]any{{"name": "cb1", "secret": "x"}, {"name": "cb.2", "secret": "x"}},
		"xmpp.chart":       1,
	})
	var got []string
	for _, p := range problems {
		got = append(got, p.Error())
	}
	want := []string{
		`xmpp.enabled: must be true or false, not the text "yes"`,
		`xmpp.domain: "Meet.Example" must be written "meet.example"`,
		`xmpp.listen: "e" is neither an interface letter a to d nor an IP address`,
		`xmpp.client_port: 70000 is not between 1 and 65535`,
		`xmpp.callbridge[1].name: "cb.2" has a dot; the domain is added by itself`,
		`xmpp.chart: unknown key`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConstraints(t *testing.T) {
	tests := []struct {
		key    string
		value  any
		reason string // "" when it is good
	}{
		{"xmpp.domain", "meet.example", ""},
		{"xmpp.archive", "roster", ""},
		{"xmpp.archive", "some", "is none of always, roster and never"},
		{"xmpp.domain", "a b", "is not a domain name"},
		{"xmpp.domain", "user@meet.example", "is not a domain name"},
		{"xmpp.listen", []any{"a", "10.0.0.1", "::1"}, ""},
		{"xmpp.listen", []any{"a", "a"}, "is there twice"},
		{"xmpp.listen", "a", `must be a list like ["a", "b"], not the text "a"`},
		{"xmpp.key", "../etc/shadow", "is not a file name of the store"},
		{"xmpp.key", "xmpp.key", ""},
		{"xmpp.max_stanza", "256KiB", ""},
		{"xmpp.max_stanza", int64(9999), "is not between 10000 and 16777216 bytes"},
		{"xmpp.max_stanza", "9223372036854775807GiB", "must be a number of bytes"},
		{"xmpp.auth_timeout", "30", "must be a duration"},
		{"xmpp.auth_timeout", int64(30), "must be a duration"},
		{"xmpp.auth_timeout", "11m", "is not between 1s and 10m0s"},
		{"network.interfaces", []any{"a=52:54:00:12:34:56"}, ""},
		{"network.interfaces", []any{"a=52:54:00:12:34:56", "a=52:54:00:12:34:57"}, "bound twice"},
		{"network.interfaces", []any{"e=52:54:00:12:34:56"}, "does not have the form"},
		{"xmpp.callbridge", []any{map[string]any{"name": "cb1"}}, "is missing"},
		{"xmpp.callbridge", []any{map[string]any{"name": "cb1", "secret": ""}}, "must not be empty"},
		{"xmpp.callbridge", []any{map[string]any{"name": "cb1", "secret": "s", "domain": "d"}}, "unknown key; a table here has name and secret"},
		{"xmpp.callbridge", []any{map[string]any{"name": "cb1", "secret": "s"}, map[string]any{"name": "CB1", "secret": "s"}}, "is there twice"},
	}
	for _, tt := range tests {
		_, p := Convert(tt.key, tt.value)
		switch {
		case p == nil && tt.reason != "":
			t.Errorf("%s = %v was taken", tt.key, tt.value)
		case p != nil && (tt.reason == "" || !strings.Contains(p.Reason, tt.reason)):
			t.Errorf("%s = %v: %v", tt.key, tt.value, p)
		}
	}
}

func TestKeysTogether(t *testing.T) {
	for _, tt := range []struct {
		raw  Raw
		want string
	}{
		{Raw{"xmpp.client_port": int64(5223)}, "xmpp.component_port: port 5223 is that of xmpp.client_port too"},
		{Raw{"xmpp.key": "a.key"}, "xmpp.key: xmpp.key and xmpp.certificate must be set together"},
		{Raw{"xmpp.certificate": "a.cer"}, "xmpp.certificate: xmpp.key and xmpp.certificate must be set together"},
		{Raw{"cluster.lease": "300ms"}, "cluster.lease: must not be more than cluster.heartbeat"},
		{Raw{"cluster.election": "100ms"}, "cluster.election: must not be less than cluster.heartbeat"},
		{Raw{"xmpp.max_stanza": int64(10000)}, "xmpp.max_stanza_before_auth: must not be more than xmpp.max_stanza"},
		{Raw{"xmpp.max_stanza": int64(1 << 20), "xmpp.outbox": int64(4 << 20)}, `xmpp.max_stanza: "1MiB" is more than half of xmpp.resume_queue, which is "1MiB": ` +
			"a client that is sent so much at once would be cut off; make the one smaller or the other larger"},
	} {
		_, problems := Validate(tt.raw)
		if len(problems) != 1 || problems[0].Error() != tt.want {
			t.Errorf("%v: %v, want %s", tt.raw, problems, tt.want)
		}
	}
}

func TestParseAsTyped(t *testing.T) {
	for _, tt := range []struct {
		key, text string
		want      any
	}{
		{"xmpp.enabled", "true", true},
		{"xmpp.client_port", "5322", int64(5322)},
		{"xmpp.listen", "a,10.0.0.1", []string{"a", "10.0.0.1"}},
		{"xmpp.listen", "", []string{}},
		{"xmpp.outbox", "2MiB", int64(2 << 20)},
		{"cluster.queue_time", "15s", "15s"},
		{"xmpp.domain", "meet.example", "meet.example"},
	} {
		got, p := Parse(tt.key, tt.text)
		if p != nil || !cmp.Equal(got, tt.want) {
			t.Errorf("%s %q: %v, %v", tt.key, tt.text, got, p)
		}
	}
	for key, text := range map[string]string{"xmpp.enabled": "maybe", "xmpp.client_port": "many", "xmpp.callbridge": "cb1", "nothing.here": "1"} {
		if _, p := Parse(key, text); p == nil {
			t.Errorf("%s %q was taken", key, text)
		}
	}
}

func TestNearestKey(t *testing.T) {
	for name, want := range map[string]string{
		"xmpp.client-port": "xmpp.client_port", "xmpp.clientport": "xmpp.client_port", "xmp.domain": "xmpp.domain",
		"xmpp.Domain": "xmpp.domain", "cluster.heartbeet": "cluster.heartbeat", "entirely.different.thing": "",
	} {
		if got := nearest(name); got != want {
			t.Errorf("%s: nearest %q, want %q", name, got, want)
		}
	}
}

func TestEncodeDecode(t *testing.T) {
	raw := Raw{"xmpp.domain": "meet.example", "xmpp.callbridge": []map[string]any{{"name": "cb1", "secret": "s"}}, "cluster.queue_time": "20s"}
	v, err := Decode(Encode(raw, 7, false))
	if err != nil {
		t.Fatal(err)
	}
	if v.Generation != 7 || v.XMPP.Domain != "meet.example" || v.Cluster.QueueTime != 20*time.Second || !slices.Equal(v.XMPP.CallBridges, []CallBridge{{"cb1", "s"}}) {
		t.Errorf("decoded %+v", v)
	}
	masked := Encode(raw, 7, true)
	if _, shown := masked["xmpp.callbridge"]; shown {
		t.Error("a masked answer has secrets")
	}
	masked["xmpp.of_a_later_version"] = true
	if _, err := Decode(masked); err != nil {
		t.Error(err)
	}
}

func TestDiffer(t *testing.T) {
	a := Raw{"xmpp.client_port": int64(5222), "xmpp.domain": "a.example"}
	if got, want := Differ(a, Raw{"xmpp.domain": "b.example", "gossip.port": int64(1)}), []string{"xmpp.domain", "gossip.port"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Differ(a, a); got != nil {
		t.Errorf("no difference: %v", got)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	k, _ := Find("xmpp.callbridge")
	if got := k.Shown([]map[string]any{{"name": "cb1", "secret": "hunter2"}}); strings.Contains(got, "hunter2") || !strings.Contains(got, "cb1") {
		t.Error(got)
	}
	k, _ = Find("callbridge.secret")
	if got := k.Shown("hunter2"); got != `"********"` {
		t.Errorf("a secret that is a text: %s", got)
	}
	if got := k.Shown(""); got != `""` {
		t.Errorf("no secret: %s", got)
	}
}

// Whatever Convert accepts survives being converted again, unchanged.
func TestConvertIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(Keys()).Draw(t, "key")
		in := rapid.OneOf(
			rapid.Map(rapid.Int64(), func(n int64) any { return n }),
			rapid.Map(rapid.Int64Range(k.Min, max(k.Min, k.Max)), func(n int64) any { return n }),
			rapid.Map(rapid.Int64Range(k.Min, max(k.Min, k.Max)), func(n int64) any { return milliseconds(n) }),
			rapid.Map(rapid.String(), func(s string) any { return s }),
			rapid.Map(rapid.SliceOf(rapid.SampledFrom([]string{"a", "b", "10.0.0.1", "x"})), func(s []string) any { return s }),
		).Draw(t, "value")
		once, p := Convert(k.Name, in)
		if p != nil {
			return
		}
		twice, p := Convert(k.Name, once)
		if p != nil || !cmp.Equal(once, twice) {
			t.Fatalf("%s: %#v, then %#v, %v", k.Name, once, twice, p)
		}
	})
}

// What a client is sent at once fits where it waits: an offline store that does not
// would end each session that begins.
func TestWhatIsSentAtOnceFits(t *testing.T) {
	for _, c := range []struct {
		raw  Raw
		want []string
	}{
		{Raw{"xmpp.max_offline_bytes": int64(512 << 10)}, nil},
		{Raw{"xmpp.max_offline_bytes": int64(512<<10 + 1)}, []string{"xmpp.max_offline_bytes", "xmpp.max_offline_bytes"}},
		{Raw{"xmpp.max_roster_bytes": int64(1 << 20), "xmpp.outbox": int64(2 << 20)}, []string{"xmpp.max_roster_bytes"}},
		{Raw{"xmpp.max_roster_bytes": int64(1 << 20), "xmpp.outbox": int64(2 << 20), "xmpp.resume_queue": int64(2 << 20)}, nil},
		{Raw{"xmpp.max_item_payload": int64(1 << 20), "xmpp.resume_queue": int64(2 << 20)}, []string{"xmpp.max_item_payload"}},
		{Raw{"xmpp.max_private": int64(1 << 20), "xmpp.max_vcard": int64(1 << 20), "xmpp.outbox": int64(2 << 20)}, []string{"xmpp.max_private", "xmpp.max_vcard"}},
	} {
		_, problems := Validate(c.raw)
		var keys []string
		for _, p := range problems {
			keys = append(keys, p.Key)
		}
		if !slices.Equal(keys, c.want) {
			t.Errorf("%v: %v", c.raw, problems)
		}
	}
}
