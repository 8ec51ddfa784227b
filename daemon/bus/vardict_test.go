package bus

import (
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestVardictRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := ClusterStatus{
			State:  rapid.String().Draw(t, "state"),
			Term:   rapid.Uint64().Draw(t, "term"),
			Voters: rapid.Int().Draw(t, "voters"),
			Peers: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Peer {
				return Peer{ID: rapid.String().Draw(t, "id"), Leader: rapid.Bool().Draw(t, "leader"),
					LastContactMs: rapid.Int64().Draw(t, "ms"), Lag: rapid.Uint64().Draw(t, "lag")}
			}), 1, 4).Draw(t, "peers"),
		}
		var out ClusterStatus
		if err := FromVardict(Vardict(in), &out); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestVardictSignatures(t *testing.T) {
	m := Vardict(XmppStatus{})
	for key, want := range map[string]string{"enabled": "b", "domain": "s", "listen": "as", "client_port": "x", "faults": "aa{sv}"} {
		if got := m[key].Signature().String(); got != want {
			t.Errorf("%s: signature %s, want %s", key, got, want)
		}
	}
}

func TestFromVardictVersions(t *testing.T) {
	var u User
	m := map[string]dbus.Variant{"name": dbus.MakeVariant("a"), "later": dbus.MakeVariant(1)}
	if err := FromVardict(m, &u); err != nil || u.Name != "a" {
		t.Errorf("an unknown key: %v, %+v", err, u)
	}
	m["sessions"] = dbus.MakeVariant("many")
	if err := FromVardict(m, &u); err == nil || !strings.Contains(err.Error(), "sessions") {
		t.Errorf("a wrong type: %v", err)
	}
}

func TestNativeRoundTrip(t *testing.T) {
	in := map[string]any{"a": true, "b": "x", "c": int64(-1), "d": uint64(1), "e": []string{"p", "q"},
		"f": []map[string]any{{"name": "cb1"}}, "g": map[string]any{"h": "i"}}
	m, err := Variants(in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, Native(m)); diff != "" {
		t.Error(diff)
	}
	if _, err := Variants(map[string]any{"k": struct{}{}}); err == nil || !strings.Contains(err.Error(), "k") {
		t.Errorf("a value without a form: %v", err)
	}
}
