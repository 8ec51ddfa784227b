package firewall

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/settings"
)

// as are the settings of a node with the default ports.
func as(change func(*settings.Values)) settings.Values {
	v := settings.Values{
		XMPP:    settings.XMPP{ClientPort: 5222, ComponentPort: 5223},
		Cluster: settings.ClusterValues{Port: 5224},
		Gossip:  settings.Gossip{Port: 7946},
		Web:     settings.Web{Port: 445},
	}
	if change != nil {
		change(&v)
	}
	return v
}

// verdicts are the rules that name a port, without their comments.
func verdicts(ruleset string) (rules []string) {
	for line := range strings.Lines(ruleset) {
		rule, _, _ := strings.Cut(strings.TrimSpace(line), " comment ")
		if strings.Contains(rule, " dport ") && !strings.HasPrefix(rule, "udp sport") && !strings.HasPrefix(rule, "ip6 saddr fe80") &&
			!strings.Contains(rule, " add @") {
			rules = append(rules, rule)
		}
	}
	return rules
}

func TestPortsFollowTheSettings(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*settings.Values)
		cards  map[string]string
		want   []string
	}{
		{"all off", nil, nil, []string{
			"tcp dport 22 accept", "tcp dport 5224 accept", "tcp dport 7946 accept", "udp dport 7946 accept",
			"tcp dport 5222 reject with tcp reset", "tcp dport 5223 reject with tcp reset", "tcp dport 445 reject with tcp reset",
		}},
		{"all on, other numbers", func(v *settings.Values) {
			v.XMPP.Enabled, v.XMPP.ClientPort, v.XMPP.ComponentPort, v.Cluster.Port, v.Gossip.Port = true, 1, 2, 3, 4
			v.Web.Enabled, v.Web.Port = true, 5
		}, nil, []string{
			"tcp dport 22 accept", "tcp dport 1 accept", "tcp dport 2 accept", "tcp dport 3 accept", "tcp dport 4 accept", "udp dport 4 accept", "tcp dport 5 accept",
		}},
		{"some addresses and cards", func(v *settings.Values) {
			v.Web.Enabled, v.Web.Listen = true, []string{"10.0.0.1", "::ffff:10.0.0.2", "2001:db8::1", "fe80::1%ens3", "a", "b"}
			v.XMPP.Listen = []string{"b"}
		}, map[string]string{"a": "ens3"}, []string{
			"tcp dport 22 accept", "ip daddr 10.0.0.1 tcp dport 445 accept", "ip daddr 10.0.0.2 tcp dport 445 accept",
			"ip6 daddr 2001:db8::1 tcp dport 445 accept", "ip6 daddr fe80::1 tcp dport 445 accept", `iifname "ens3" tcp dport 445 accept`,
		}},
	} {
		got := verdicts(Ruleset(Ports(as(c.change)), c.cards, true))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// An administrator's rules stand before the services' and can not be left out
// by accident, nor be there when they are not wanted.
func TestLocalRules(t *testing.T) {
	with, without := Ruleset(Ports(as(nil)), nil, true), Ruleset(Ports(as(nil)), nil, false)
	at, first := strings.Index(with, "jump local"), strings.Index(with, "tcp dport 22 accept")
	if at < 0 || at > first || !strings.Contains(with, `include "/etc/quorate/firewall.d/*.nft"`) {
		t.Errorf("with local rules:\n%s", with)
	}
	if strings.Contains(without, "local") || strings.Contains(without, "include") {
		t.Errorf("without local rules:\n%s", without)
	}
}

var update = flag.Bool("update", false, "write the generated file instead of comparing it")

//go:generate go test -run TestBaseIsCurrent -update .
func TestBaseIsCurrent(t *testing.T) {
	const path = "../../image/mkosi.extra/usr/share/quorate/firewall.nft"
	if *update {
		if err := os.WriteFile(path, []byte(Base()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != Base() {
		t.Errorf("%s is not what the room gives; run go generate ./daemon/firewall", path)
	}
	if diff := cmp.Diff([]string{"tcp dport 22 accept"}, verdicts(Base())); diff != "" {
		t.Errorf("the base opens other than SSH (-want +got):\n%s", diff)
	}
}
